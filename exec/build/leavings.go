package build

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// Nobody watches the recipe of a phony target. What it leaves in a directory that actions
// have made (out/inst of an install) would count as the user's in the next build, and who
// sees a file of the user's in a directory sees the directory: it would be there before the
// first recipe. So those directories are looked through when the build has ended. What no
// action has left there, and what was born while such a recipe ran, is a version of its.
// That entry in the graph has no key, and gives way to whoever turns out to have left the
// same path.

// keepLeavings notes what the phony recipes have left that this build has run.
func (b *Build) keepLeavings() {
	if b.opts.DryRun {
		return
	}
	var left []string // paths in directories that actions have made, of no action
	for _, d := range b.natives {
		if !d.acted || !d.f.Phony || d.f.Recipe.AnyRecurse {
			continue
		}
		if left == nil {
			left = b.chain.unknown()
		}
		outs := b.bornDuring(d, left)
		left = slices.DeleteFunc(left, func(key string) bool { return findOutput(outs, key) != nil })
		old := b.graph.Target(d.n.name)
		if old != nil && !isLeavings(old.Key, old.Flags) {
			continue // its recipe is watched where there is no .PHONY
		}
		if old != nil {
			outs = b.stillThere(outs, old.Outputs)
		}
		if len(outs) == 0 && old == nil || old != nil && slices.EqualFunc(outs, old.Outputs, sameLeft) {
			continue
		}
		b.graph.Put(d.n.name, &cache.Trace{
			Target: d.f.Name, Dir: b.sp.key(b.sp.cwd), Flags: leavings, Serial: d.n.serial,
			Started: d.started.UnixNano(), Duration: int64(d.end.Sub(d.started)), Outputs: outs, Reason: "it is phony",
		})
	}
}

// leavings are the flags of an entry that says what a phony recipe has left.
const leavings = cache.Always | cache.NoStore

func isLeavings(key cache.Hash, flags cache.TraceFlags) bool {
	return key.IsZero() && flags == leavings
}

func sameLeft(x, y cache.Output) bool { return x.Path == y.Path && sameOutput(&x, &y) }

// stillThere adds what earlier runs of a phony recipe have left to what this one has, as
// it is now.
func (b *Build) stillThere(outs, old []cache.Output) []cache.Output {
	for i := range old {
		if findOutput(outs, old[i].Path) != nil {
			continue
		}
		if o, ok := b.outputAt(b.sp.abs(old[i].Path)); ok {
			outs = append(outs, o)
		}
	}
	sortOutputs(outs)
	return outs
}

// bornDuring lists those of some paths where something was made while a recipe ran, as far
// as the file system tells.
func (b *Build) bornDuring(d *done, paths []string) (born []cache.Output) {
	for _, key := range paths {
		var st unix.Statx_t
		p := b.sp.abs(key)
		err := unix.Statx(unix.AT_FDCWD, p, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &st)
		if err != nil || st.Mask&unix.STATX_BTIME == 0 {
			continue
		}
		at := time.Unix(st.Btime.Sec, int64(st.Btime.Nsec))
		if at.Before(d.started.Add(-time.Duration(clockTick))) || at.After(d.end) {
			continue
		}
		if o, ok := b.outputAt(p); ok {
			born = append(born, o)
		}
	}
	sortOutputs(born)
	return born
}

// unknown lists what is in directories that are there because actions have made them, and
// is itself of no action and of no command.
func (v *versions) unknown() []string {
	v.of("") // makes the index
	paths := []string{}
	for dir, chain := range v.paths {
		if len(chain) == 0 || chain[0].before != nil || chain[0].out.Type != typeDir {
			continue
		}
		names, _ := v.b.w.names(v.b.sp.abs(dir))
		for _, entry := range names {
			if key := joinPath(dir, entry); len(v.allOf(key)) == 0 && !v.commands[key] {
				paths = append(paths, key)
			}
		}
	}
	slices.Sort(paths)
	return paths
}
