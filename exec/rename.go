package exec

import (
	"os"
	"strings"

	"fmake/makefile"
)

func readlink(name string) (string, error) { return os.Readlink(name) }

// besides resolves a link's text against the place of the link.
func besides(link, target string) string {
	slash := strings.LastIndexByte(link, '/')
	if strings.HasPrefix(target, "/") || slash < 0 {
		return target
	}
	return link[:slash+1] + target
}

// rehash lets f be found under another name, while messages keep the old one
// until it is clear that it need not be remade. If there is a file of that name
// already, f is merged into it.
func (w *Walk) rehash(f *makefile.File, name string) {
	if f.HName == name {
		return
	}
	from := f.HName
	into := w.db.Rehash(f, name)
	if into == nil {
		for g := f.Prev; g != nil; g = g.Prev {
			g.HName = name
		}
		return
	}
	w.merge(f, into.Current(), from)
}

// rename gives f another name for good.
func (w *Walk) rename(f *makefile.File, name string) {
	w.rehash(f, name)
	for g := f; g != nil; g = g.Prev {
		g.Name = g.HName
	}
}

// merge moves all that is known of from, which was called old, to into.
func (w *Walk) merge(from, into *makefile.File, old string) {
	w.mergeRecipe(from, into, old)
	switch {
	case from.DoubleColon == nil && into.DoubleColon != nil && (from.IsTarget || from.Recipe != nil):
		w.fatal(makefile.Pos{}, "can't rename single-colon '"+old+"' to double-colon '"+into.HName+"'")
	case from.DoubleColon != nil && into.DoubleColon == nil && into.IsTarget:
		w.fatal(makefile.Pos{}, "can't rename double-colon '"+old+"' to single-colon '"+into.HName+"'")
	}
	into.Deps = append(into.Deps, from.Deps...)
	if into.Vars == nil {
		into.Vars = from.Vars
	}
	if from.DoubleColon != nil && into.DoubleColon == nil {
		takeDoubleColon(from, into)
	}
	from.Renamed = into
	into.Run.Mtime, into.Run.MtimeBefore = MtimeUnknown, from.Run.MtimeBefore
	into.Precious = into.Precious || from.Precious
	into.TriedImplicit = into.TriedImplicit || from.TriedImplicit
	into.IsTarget = into.IsTarget || from.IsTarget
	into.CmdTarget = into.CmdTarget || from.CmdTarget
	into.Phony = into.Phony || from.Phony
	into.IgnoreVPath = into.IgnoreVPath || from.IgnoreVPath
	into.Run.Updating = into.Run.Updating || from.Run.Updating
	into.Run.Updated = into.Run.Updated || from.Run.Updated
	into.Builtin, into.DontCare = false, into.DontCare && from.DontCare
}

// takeDoubleColon makes into, which was no target, one with double-colon rules. Of
// those of from the first is left, as in GNU make; it is still to be made where into
// is finished as the mere file that it was.
func takeDoubleColon(from, into *makefile.File) {
	into.DoubleColon = into
	into.Run.Considered = from.Run.Considered
	if into.Run.State == stateFinished {
		into.Run.State, into.Run.Updated = from.Run.State, from.Run.Updated
	}
}

func (w *Walk) mergeRecipe(from, into *makefile.File, old string) {
	if from.Recipe == nil {
		return
	}
	if into.Recipe == nil {
		into.Recipe = from.Recipe
		return
	}
	if into.Recipe == from.Recipe {
		return
	}
	pos := from.Recipe.Pos
	if into.Recipe.Pos.File != "" { // of the other recipe, though it is not the one the text is about
		w.con.complain(pos, "Recipe was specified for file '"+old+"' at "+position(pos)+",")
	} else {
		w.con.complain(pos, "Recipe for file '"+old+"' was found by implicit rule search,")
	}
	w.con.complain(pos, "but '"+old+"' is now considered the same file as '"+into.HName+"'.")
	w.con.complain(pos, "Recipe for '"+old+"' will be ignored in favor of the one for '"+into.HName+"'.")
}
