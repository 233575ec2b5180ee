package build

import (
	"fmt"

	"fmake/cache"
	"fmake/exec/explain"
)

// explainPrograms says which of the programs that a recipe started in its last run were
// replayed, and why others ran. Of a first run there is nothing to say.
func (b *Build) explainPrograms(name string, t *cache.Trace) (notes []string) {
	if t.From != cache.FromRun {
		return nil
	}
	path, err := cache.ProgramsGraphPath(b.opts.CacheDir, b.sp.root, name)
	if err != nil {
		return nil
	}
	g, err := cache.Load(path)
	if err != nil {
		return nil
	}
	programs := told(g.Section(lastRunSection))
	replayed := 0
	for _, p := range programs {
		if p.why == "" {
			replayed++
			continue
		}
		notes = append(notes, fmt.Sprintf("%s ran: %s.", explain.Clip(p.words), p.why))
	}
	if replayed == 0 {
		return nil
	}
	head := fmt.Sprintf("%d of %d programs that it started were replayed, because everything that they looked at was as it was.", replayed, len(programs))
	return append([]string{head}, notes...)
}
