package verify

import (
	"fmt"
	"strconv"

	"fmake/exec/jsonout"
	"fmake/exec/story"
)

// record is the first word of a finding's record.
const record = "verify"

// Record gives a finding to the make at the top.
func (f *Finding) Record() story.Record {
	return story.Record{
		record, string(f.Kind), f.Makefile, strconv.Itoa(f.Line), f.Target, f.File,
		strconv.FormatInt(f.At.Offset, 10), strconv.Itoa(f.At.Line), f.At.First, f.At.Second, f.Within, f.Why,
	}
}

// Records gives all of them.
func Records(findings []Finding) []story.Record {
	out := make([]story.Record, len(findings))
	for i := range findings {
		out[i] = findings[i].Record()
	}
	return out
}

// Findings takes the findings out of what all makes have told.
func Findings(records []story.Record) []Finding {
	var out []Finding
	for _, r := range records {
		if len(r) != 12 || r[0] != record {
			continue
		}
		f := Finding{Kind: Kind(r[1]), Makefile: r[2], Target: r[4], File: r[5], Within: r[10], Why: r[11]}
		f.Line, _ = strconv.Atoi(r[3])
		f.At = Difference{First: r[8], Second: r[9]}
		f.At.Offset, _ = strconv.ParseInt(r[6], 10, 64)
		f.At.Line, _ = strconv.Atoi(r[7])
		out = append(out, f)
	}
	return out
}

// Lines shows findings, one a line. relative gives the name of a makefile.
func Lines(findings []Finding, relative func(path string) string) []string {
	var out []string
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Kind == Ran:
		case f.Kind == Trouble:
			out = append(out, "verify: "+f.Why)
		case f.Kind == Skipped:
			out = append(out, "verify: "+f.Target+" is skipped: "+f.Why)
		case f.Makefile != "" && f.Line > 0:
			out = append(out, relative(f.Makefile)+":"+strconv.Itoa(f.Line)+": "+f.words())
		default:
			out = append(out, f.words())
		}
	}
	return out
}

// words is the sentence about a difference.
func (f *Finding) words() string {
	what := f.File
	if f.File != f.Target {
		what += ", which the recipe of " + f.Target + " writes,"
	}
	switch f.Kind {
	case Failed:
		return "the recipe of " + f.Target + " failed when it ran again; to see why, remove " + f.Target + " and make it"
	case Gone:
		return what + " was not made when the recipe ran again"
	case New:
		return what + " was made only when the recipe ran again"
	case Form:
		return what + " differs when the recipe runs again: " + f.Why
	}
	return what + " differs when the recipe runs again, from byte " + strconv.FormatInt(f.At.Offset, 10) + " on" + f.place()
}

// place says where a content differs, besides the byte.
func (f *Finding) place() string {
	switch {
	case f.Within != "":
		return ", in " + f.Within
	case f.At.Line > 0:
		return fmt.Sprintf(": line %d was %q, then %q", f.At.Line, f.At.First, f.At.Second)
	}
	return ""
}

// count is what a summary and programs are told.
type count struct{ twice, differ, skipped int }

func counted(findings []Finding) (c count) {
	for i := range findings {
		switch f := &findings[i]; {
		case f.Kind == Skipped:
			c.skipped++
		case f.Kind == Ran:
			c.twice++
		case f.differs():
			c.differ++
		}
	}
	return c
}

// Summary counts what was found.
func Summary(findings []Finding) string {
	c := counted(findings)
	text := "verify: " + number(c.twice, "recipe", "recipes") + " ran twice, "
	if c.differ == 0 {
		text += "nothing differs"
	} else {
		text += number(c.differ, "difference", "differences")
	}
	if c.skipped > 0 {
		text += ", " + number(c.skipped, "target", "targets") + " skipped"
	}
	return text
}

func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// WriteJSON writes all findings for programs.
func WriteJSON(w *jsonout.Writer, findings []Finding, relative func(path string) string) {
	w.Object(func() {
		w.Key("ran").Int(int64(counted(findings).twice))
		w.Key("different").Array(func() {
			for i := range findings {
				if f := &findings[i]; f.differs() {
					w.Newline()
					w.Object(func() { f.writeJSON(w, relative) })
				}
			}
		})
		w.Key("skipped").Array(func() {
			for i := range findings {
				if f := &findings[i]; f.Kind == Skipped {
					w.Newline()
					w.Object(func() { w.Field("target", f.Target); w.Field("why", f.Why) })
				}
			}
		})
		w.Key("trouble").Array(func() {
			for i := range findings {
				if findings[i].Kind == Trouble {
					w.String(findings[i].Why)
				}
			}
		})
	})
	w.End()
}

func (f *Finding) writeJSON(w *jsonout.Writer, relative func(path string) string) {
	w.Field("kind", string(f.Kind))
	w.Field("target", f.Target)
	w.Given("file", f.File)
	if f.Makefile != "" {
		w.Field("makefile", relative(f.Makefile))
		w.Key("line").Int(int64(f.Line))
	}
	w.Given("why", f.Why)
	if f.Kind != Content {
		return
	}
	w.Key("offset").Int(f.At.Offset)
	w.Given("within", f.Within)
	if f.At.Line > 0 {
		w.Key("text_line").Int(int64(f.At.Line))
		w.Field("first", f.At.First)
		w.Field("second", f.At.Second)
	}
}
