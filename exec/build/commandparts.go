package build

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"fmake/cache"
	"fmake/tracefs"
)

// What is particular to the action of a command that is run by itself.

// stdinToken is the name by which what a command finds on its standard input counts: as a
// prerequisite's content does that a recipe need not have read.
const stdinToken = "standard input"

// hasStdin tells that there is something.
func (b *Build) hasStdin() bool { return b.single != nil && !b.single.Stdin.IsZero() }

// stdinDiffers says in words how it differs from what a trace was made with.
func (b *Build) stdinDiffers(was []cache.Token) string {
	var old cache.Hash
	if len(was) > 0 {
		old = was[0].Hash
	}
	if old != b.single.Stdin {
		return "its standard input changed"
	}
	return ""
}

// What a trace holds of how a command has used its standard input, among its variables.
const (
	movedName  = "standard input moved=" // how far it has read: whoever shares it finds it so again
	unreadName = "standard input unread"
)

// noteUnseen puts it there. What was read of something that nobody knows is no input that
// could be compared.
func (b *Build) noteUnseen(t *cache.Trace) {
	if b.single == nil || b.single.StdinUsed == nil {
		return
	}
	if b.single.UnseenUsed != nil && b.single.UnseenUsed() {
		t.Flags |= cache.NoStore
	}
	moved, unread := b.single.StdinUsed()
	switch {
	case unread:
		t.Vars = []string{unreadName}
	case b.single.StdinOpen && moved > 0:
		t.Flags |= cache.NoStore
	case moved != 0:
		t.Vars = []string{movedName + strconv.FormatInt(moved, 10)}
	}
}

func unread(t *cache.Trace) bool { return t != nil && slices.Contains(t.Vars, unreadName) }

func movedBy(t *cache.Trace) int64 {
	for _, v := range t.Vars {
		if text, ok := strings.CutPrefix(v, movedName); ok {
			n, _ := strconv.ParseInt(text, 10, 64)
			return n
		}
	}
	return 0
}

// keepsFailures tells whether the result of a command that fails counts.
func (b *Build) keepsFailures() bool { return b.single != nil && b.single.KeepFailures }

// leavesTemporary reports whether an action has left something in a temporary directory:
// to nobody it is a version there, so that it could not be put back.
func (a *action) leavesTemporary(rec *tracefs.Record) bool {
	return slices.ContainsFunc(rec.Writes, func(w tracefs.Write) bool {
		return a.b.sp.isTemp(w.Path) && !a.passOver(w.Path) && a.b.exists(w.Path)
	})
}

// onlyOwnIn reports whether nothing is in a directory but what an action has left there.
func (b *Build) onlyOwnIn(key string, old *cache.Trace) bool {
	names, err := os.ReadDir(b.sp.abs(key))
	return err == nil && !slices.ContainsFunc(names, func(e os.DirEntry) bool {
		return findOutput(old.Outputs, joinPath(key, e.Name())) == nil
	})
}

// replacesNothing tells of a decision to restore that no file has to come back if it is cut
// short: neither the result nor the one that stands there has replaced anything. Then what
// is there says all, file by file, and the journal, which takes longer than all else in a
// hit, is spared.
func (b *Build) replacesNothing(d decision) bool {
	return b.single != nil && harmless(d.hit) && harmless(d.old)
}
