package build

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/makefile"
)

// token returns what a declared prerequisite that the recipe did not read
// counts by, and its meaning in cache look-ups; ok is false for prerequisites
// that are no tokens: order-only ones, directories, missing ones. A target that has
// to run no longer counts on as what it was when it last had to.
func (b *Build) token(d *makefile.Dep) (tok cache.Token, strong cache.Hash, ok bool) {
	if d.OrderOnly || d.File == nil || d.File.Phony {
		return tok, strong, false
	}
	n := b.node(d.File)
	p := b.w.realFile(n.path)
	st, exists := b.w.lstat(p)
	if !exists || st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return tok, strong, false
	}
	tok.Name = n.name
	if d.File.Recipe != nil && !n.always && !d.File.Recipe.AnyRecurse {
		if e, known := b.entryOf(d.File, n); known && e.Flags()&cache.Forced == 0 {
			tok.Run = e.Run()
			return tok, e.Strong(), true
		}
	}
	h, err := b.w.hash(p)
	if err != nil {
		return tok, strong, false // a device or the like: existence is all it has
	}
	if d.File.Recipe != nil {
		tok.Mtime = st.Mtime // a target that was run whatever it had read: by its last write
		return tok, h.Hash, true
	}
	tok.Hash = h.Hash
	if st.Size == 0 {
		tok.Mtime = st.Mtime
	}
	return tok, h.Hash, true
}

// entryOf returns the trace of the action that made a target's file: its own, or
// that of another target of the same recipe.
func (b *Build) entryOf(f *makefile.File, n *node) (cache.Entry, bool) {
	if e, known := b.graph.Entry(n.name); known {
		return e, true
	}
	if owner := b.owned[n.path]; owner != nil {
		return b.graph.Entry(b.node(owner).name)
	}
	for _, g := range f.AlsoMake {
		if e, known := b.graph.Entry(b.node(g).name); known {
			return e, true
		}
	}
	return cache.Entry{}, false
}

// tokens lists the tokens of f given the inputs that its recipe read, each with
// its meaning in cache look-ups.
func (b *Build) tokens(f *makefile.File, inputs []cache.Input) (toks []cache.Token, strong []cache.Hash) {
	if b.hasStdin() {
		return []cache.Token{{Name: stdinToken, Hash: b.single.Stdin}}, []cache.Hash{b.single.Stdin}
	}
	seen := make(map[string]bool)
	for _, d := range f.Deps {
		if d.File == nil || seen[d.File.Name] || b.wasRead(d.File, inputs) {
			continue
		}
		seen[d.File.Name] = true
		if t, s, ok := b.token(d); ok {
			toks = append(toks, t)
			strong = append(strong, cache.NewDigest("token").String(t.Name).Hash(s).Sum())
		}
	}
	return toks, strong
}

// wasRead reports whether a prerequisite's content is among inputs, under its
// own name or where its links lead.
func (b *Build) wasRead(f *makefile.File, inputs []cache.Input) bool {
	p := b.node(f).path
	return hasContent(inputs, b.sp.key(p)) || hasContent(inputs, b.sp.key(b.w.realFile(p)))
}

func hasContent(inputs []cache.Input, key string) bool {
	i, ok := slices.BinarySearchFunc(inputs, key, func(in cache.Input, k string) int { return strings.Compare(in.Path, k) })
	for ; ok && i < len(inputs) && inputs[i].Path == key; i++ {
		if inputs[i].Kind == cache.InputContent || inputs[i].Kind == cache.InputListing {
			return true
		}
	}
	return false
}

// tokensDiffer says in words which declared prerequisite is not the one that
// the trace was made with, and names it.
// whole decodes the trace, which costs more than all else here.
func (b *Build) tokensDiffer(f *makefile.File, e cache.Entry, must bool, whole func() *cache.Trace) (why, on string) {
	was := e.Tokens()
	if b.single != nil {
		return b.stdinDiffers(was), ""
	}
	if len(was) == 0 && !must {
		return "", ""
	}
	for _, d := range f.Deps {
		if d.File == nil {
			continue
		}
		name := b.node(d.File).name
		i := slices.IndexFunc(was, func(t cache.Token) bool { return t.Name == name })
		if i < 0 {
			if must && d.Changed && b.isNewPrerequisite(d, whole) {
				return fmt.Sprintf("its prerequisite %s is new and newer", d.File.Name), d.File.Name
			}
			continue
		}
		is, _, ok := b.token(d)
		if !ok {
			continue
		}
		if is.Run != was[i].Run || is.Hash != was[i].Hash || is.Mtime != was[i].Mtime {
			return tokenReason(d.File.Name, is, was[i]), d.File.Name
		}
	}
	return "", ""
}

// isNewPrerequisite reports whether a prerequisite that is newer than the
// target was unknown when the trace was made.
func (b *Build) isNewPrerequisite(d *makefile.Dep, whole func() *cache.Trace) bool {
	if _, _, ok := b.token(d); !ok {
		return false
	}
	return !b.wasRead(d.File, whole().Inputs)
}

func tokenReason(name string, is, was cache.Token) string {
	if is.Hash != was.Hash {
		return fmt.Sprintf("its prerequisite %s changed (%s -> %s)", name, was.Hash.Short(), is.Hash.Short())
	}
	if is.Run != was.Run {
		return fmt.Sprintf("its prerequisite %s was remade", name)
	}
	return fmt.Sprintf("its prerequisite %s was written again", name)
}
