package makefile

import "strings"

// ParseDeps splits the text of prerequisites: names, behind a | order-only
// ones, and .WAIT between them. No files are entered.
func (db *Database) ParseDeps(text string) []*Dep {
	var deps []*Dep
	seq := nameSeq{db: db, text: text, stop: "|", flags: seqWait}
	orderOnly := false
	for {
		name, ok := seq.next()
		switch {
		case !ok && !orderOnly && strings.HasPrefix(seq.text, "|"):
			// Behind the first bar, another one is a name.
			seq.text, seq.stop = seq.text[1:], ""
			orderOnly = true
			seq.waited() // a .WAIT at the end of a list marks nothing
		case !ok:
			return deps
		default:
			d := db.NewDep()
			d.Name, d.OrderOnly, d.WaitBefore, d.From = name, orderOnly, seq.waited(), db.from
			deps = append(deps, d)
		}
	}
}

// EnterDeps turns prerequisites into files. With hasStem the % in each name,
// which comes from a static pattern rule, is replaced by stem first, and names
// that become empty are dropped.
func (db *Database) EnterDeps(deps []*Dep, stem string, hasStem bool) []*Dep {
	kept := deps[:0]
	for _, d := range deps {
		if d.NeedExpansion2 {
			kept = append(kept, d)
			continue
		}
		if hasStem {
			if text, at := findPercent(d.Name); at >= 0 {
				d.Name = text[:at] + stem + text[at+1:]
			} else {
				d.Name = text
			}
			if d.Name == "" {
				continue
			}
			d.Stem = stem
		}
		if d.File = db.Lookup(d.Name); d.File == nil {
			d.File = db.Enter(d.Name)
		}
		d.Name, d.StaticPattern = "", false
		if !hasStem {
			d.File.Explicit = true
		}
		kept = append(kept, d)
	}
	return kept
}

// copyDeps copies a list whose elements must not be shared between files.
func (db *Database) copyDeps(deps []*Dep) []*Dep {
	if deps == nil {
		return nil
	}
	list := make([]*Dep, len(deps))
	for i, d := range deps {
		list[i] = db.NewDep()
		*list[i] = *d
	}
	return list
}
