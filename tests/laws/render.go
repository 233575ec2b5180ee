package laws

import (
	"path"
	"slices"
	"strings"
)

// rendering is how a project's makefiles are to be written.
type rendering struct {
	project *Project
	sources Tree // what is there now: a prerequisite on a source that is gone is not written
	damaged bool // without the lost prerequisites
	// kept names outputs that the user edited and keeps: they have no recipe.
	kept map[string]bool
}

// tree returns the sources with the makefiles.
func (w rendering) tree() Tree {
	t := w.sources.Clone()
	for _, dir := range w.project.dirs() {
		t.Put(path.Join(dir, "Makefile"), file(w.makefile(dir)))
	}
	return t
}

func (w rendering) makefile(dir string) string {
	var b strings.Builder
	known := w.known(dir)
	b.WriteString(w.head(dir))
	for _, line := range w.project.Blocks[dir] {
		b.WriteString(line + "\n")
	}
	for _, r := range w.project.Rules {
		if r.Dir == dir {
			b.WriteString(w.rule(r, known))
		}
	}
	b.WriteString(w.clean(dir))
	return b.String()
}

// head writes what asks for everything, and the settings that it needs.
func (w rendering) head(dir string) string {
	var names, phony []string
	if dir == "" {
		names = w.project.All
	}
	for _, r := range w.project.Rules {
		if r.Dir != dir {
			continue
		}
		if dir != "" && !r.Unlisted {
			names = append(names, r.Targets...)
		}
		if r.Phony && r.Targets[0] != "FORCE" {
			phony = append(phony, r.Targets...)
		}
	}
	text := "all: " + strings.Join(names, " ") + "\n.PHONY: all clean " + strings.Join(phony, " ") + "\n"
	if dir != "" {
		return text
	}
	return strings.Join(append([]string{"include flags.mk"}, w.project.Vars...), "\n") + "\n" + text
}

// known returns what a prerequisite in dir may name: the targets of dir.
func (w rendering) known(dir string) map[string]bool {
	known := map[string]bool{}
	for _, r := range w.project.Rules {
		for _, t := range r.Targets {
			if r.Dir == dir {
				known[t] = true
			}
		}
	}
	return known
}

func (w rendering) rule(r *Rule, known map[string]bool) string {
	var normal, order []string
	for _, d := range r.Prereqs {
		switch {
		case d.Lost && w.damaged, !w.there(r.Dir, d.Name, known):
		case d.Order:
			order = append(order, d.Name)
		default:
			normal = append(normal, d.Name)
		}
	}
	line := strings.Join(r.Targets, " ") + r.colon()
	if len(normal) > 0 {
		line += " " + strings.Join(normal, " ")
	}
	if len(order) > 0 {
		line += " | " + strings.Join(order, " ")
	}
	if w.kept[r.names()[0]] {
		return line + " ;\n"
	}
	if r.Via && len(normal)+len(order) == 0 {
		return ""
	}
	if !r.Via && len(r.Recipe) > 0 {
		line += "\n\t" + strings.Join(r.Recipe, "\n\t")
	}
	return line + "\n"
}

// there reports that a prerequisite exists or can be made. Names with a
// variable in them always can; a path that leads out of the makefile's folder
// belongs to another makefile, which makes it before this one is run.
func (w rendering) there(dir, name string, known map[string]bool) bool {
	if known[name] || strings.Contains(name, "$") || strings.HasPrefix(name, "../") {
		return true
	}
	_, found := w.sources[path.Join(dir, name)]
	return found
}

// clean writes the rule that removes every output.
func (w rendering) clean(dir string) string {
	var files, subs []string
	for _, r := range w.project.Rules {
		if r.Sub != "" && r.Dir == dir {
			subs = append(subs, "\t@$(MAKE) --no-print-directory -C "+r.Sub+" clean\n")
		}
		if r.Dir != dir || r.Phony || r.Sub != "" {
			continue
		}
		for _, name := range slices.Concat(r.Targets, r.Extra) {
			if !strings.HasPrefix(name, "out/") && !strings.HasPrefix(name, "$") {
				files = append(files, name)
			}
		}
	}
	text := "clean:\n" + strings.Join(subs, "") + "\trm -rf out\n"
	for chunk := range slices.Chunk(files, 40) {
		text += "\trm -f " + strings.Join(chunk, " ") + "\n"
	}
	return text
}
