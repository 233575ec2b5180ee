package laws

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The things that a user does to what recipes left.

// deleteOutput removes some outputs.
func (u *user) deleteOutput() []Op {
	var ops []Op
	for range 1 + u.r.IntN(3) {
		r := u.p.Rules[u.r.IntN(len(u.p.Rules))]
		if len(r.Recipe) == 0 || r.Phony || path.Ext(r.Targets[0]) == "" {
			continue
		}
		ops = append(ops, Op{What: opDelete, Path: u.pick(r.outputs())})
	}
	return ops
}

// handEdit edits an output whose maker does not run unless a source changes. It does so
// once in a step: whether a file that was edited is older than another, which it depends
// on and which was edited as well, is not for the oracle to say.
func (u *user) handEdit() []Op {
	if u.handEdited {
		return nil
	}
	g := newGraph(u.p)
	restless := g.downstream(func(r *Rule) bool { return r.Hot || r.Sub != "" || r.forced() })
	var names []string
	for _, r := range u.p.Rules {
		if r.Plain && r.Dir == "" && !restless[r] {
			names = append(names, r.Targets[0])
		}
	}
	name := u.pick(names)
	if name == "" {
		return nil
	}
	u.handEdited = true
	u.count++
	e := file(fmt.Sprintf("edited by hand %d\n", u.count))
	return []Op{{What: opHandEdit, Path: name, With: &e}}
}

// moveOut moves a folder of outputs away.
func (u *user) moveOut() []Op {
	var dirs []string
	for _, r := range u.p.Rules {
		dir := path.Dir(r.Targets[0])
		if r.Dir == "" && strings.HasPrefix(dir, "out/d") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	dir := u.pick(dirs)
	if dir == "" {
		return nil
	}
	u.count++
	return []Op{{What: opMoveOut, Path: dir, To: fmt.Sprintf("%s.old%d", dir, u.count)}}
}
