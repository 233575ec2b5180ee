package explain

import "fmake/exec/jsonout"

// WriteJSON shows answers to a program: an array with an object for each. What is
// not known is left out.
func WriteJSON(w *jsonout.Writer, answers []*Answer) {
	w.Array(func() {
		for _, a := range answers {
			w.Newline()
			w.Object(func() { a.json(w) })
		}
	})
	w.End()
}

func (a *Answer) json(w *jsonout.Writer) {
	w.Field("name", a.Name)
	w.Field("state", string(a.State))
	w.Field("sentence", a.Sentence)
	reasonsJSON(w, "why", a.Why)
	if a.Miss != nil {
		w.Key("miss").Object(func() {
			w.Field("sentence", a.Miss.Text)
			reasonsJSON(w, "differences", a.Miss.Differ)
		})
	}
	linksJSON(w, "writtenBy", a.WrittenBy)
	linksJSON(w, "readBy", a.ReadBy)
	if a.Run != nil {
		w.Key("run").Object(func() { a.Run.json(w) })
	}
	a.inputsJSON(w)
	w.Strings("undeclared", a.Undeclared)
	w.Strings("unread", a.Unread)
	w.Strings("environment", a.Env)
	a.outputsJSON(w)
}

func reasonsJSON(w *jsonout.Writer, name string, reasons []Reason) {
	if len(reasons) == 0 {
		return
	}
	w.Key(name).Array(func() {
		for _, r := range reasons {
			w.Object(func() {
				w.Field("text", r.Text)
				wordsJSON(w, r.Words)
				reasonsJSON(w, "why", r.Why)
			})
		}
	})
}

func wordsJSON(w *jsonout.Writer, words []Word) {
	if len(words) == 0 {
		return
	}
	names := map[Change]string{Same: "same", Added: "added", Removed: "removed"}
	w.Key("words").Array(func() {
		for _, word := range words {
			w.Object(func() { w.Field(names[word.Change], word.Text) })
		}
	})
}

func linksJSON(w *jsonout.Writer, name string, links []Link) {
	if len(links) == 0 {
		return
	}
	w.Key(name).Array(func() {
		for _, l := range links {
			w.Object(func() {
				w.Field("target", l.Target)
				w.Given("make", l.Make)
				w.Field("how", l.How)
				w.Given("by", l.By)
			})
		}
	})
}

func (r *Run) json(w *jsonout.Writer) {
	w.Field("text", r.Text)
	w.Strings("notes", r.Notes)
	w.Given("recipe", r.Recipe)
	procsJSON(w, "processes", r.Procs)
}

func procsJSON(w *jsonout.Writer, name string, procs []Proc) {
	if len(procs) == 0 {
		return
	}
	w.Key(name).Array(func() {
		for i := range procs {
			p := &procs[i]
			w.Object(func() {
				w.Strings("argv", p.Argv)
				w.Key("opened").Int(int64(p.Reads))
				w.Key("wrote").Int(int64(p.Writes))
				w.Strings("sets", p.Sets)
				procsJSON(w, "children", p.Children)
			})
		}
	})
}

func (a *Answer) inputsJSON(w *jsonout.Writer) {
	if len(a.Inputs) == 0 {
		return
	}
	w.Key("inputs").Array(func() {
		for _, g := range a.Inputs {
			w.Object(func() {
				w.Field("title", g.Title)
				w.Key("count").Int(int64(g.Count))
				w.Strings("shown", g.Shown)
			})
		}
	})
}

func (a *Answer) outputsJSON(w *jsonout.Writer) {
	if len(a.Outputs) == 0 {
		return
	}
	w.Key("outputs").Array(func() {
		for _, o := range a.Outputs {
			w.Object(func() {
				w.Field("path", o.Path)
				w.Field("what", o.What)
				w.Key("asLeft").Bool(o.AsIs)
			})
		}
	})
}
