package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fmake/exec/story"
)

// record is the first word of a finding's record.
const record = "lint"

// Record gives a finding to the make at the top.
func (f *Finding) Record() story.Record {
	r := story.Record{
		record, string(f.Kind), f.File, strconv.Itoa(f.Line), f.Text,
		f.Key, strconv.Itoa(f.Place.Level), strconv.FormatUint(f.Place.Serial, 10),
	}
	if a := f.Add; a != nil {
		r = append(r, a.Makefile, a.Dir, a.Target, strconv.FormatBool(a.Apart), strconv.Itoa(len(a.Sealed)))
		r = append(r, a.Sealed...)
		r = append(r, a.Needs...)
	}
	return r
}

// Records gives all that one make has to tell.
func Records(findings []Finding, orders []Order) []story.Record {
	out := make([]story.Record, 0, len(findings)+len(orders))
	for i := range findings {
		out = append(out, findings[i].Record())
	}
	for i := range orders {
		out = append(out, orders[i].Record())
	}
	return out
}

// plain is how many words the record of a finding has that nothing would mend.
const plain = 8 // see Record

// found is the finding of a record.
func found(r story.Record) Finding {
	f := Finding{Kind: Kind(r[1]), File: r[2], Text: r[4], Key: r[5]}
	f.Line, _ = strconv.Atoi(r[3])
	f.Place.Level, _ = strconv.Atoi(r[6])
	f.Place.Serial, _ = strconv.ParseUint(r[7], 10, 64)
	if a := r[plain:]; len(a) > 5 {
		f.Add = &Addition{Makefile: a[0], Dir: a[1], Target: a[2], Apart: a[3] == "true", Needs: a[5:]}
		if n, _ := strconv.Atoi(a[4]); n > 0 && n < len(f.Add.Needs) {
			f.Add.Sealed, f.Add.Needs = f.Add.Needs[:n], f.Add.Needs[n:]
		}
	}
	return f
}

// Findings takes the findings out of what all makes have told, each once, by kind and
// place.
func Findings(records []story.Record) []Finding {
	var out []Finding
	seen := make(map[string]bool)
	orders := ordersOf(records)
	for _, r := range records {
		if len(r) < plain || r[0] != record {
			continue
		}
		f := found(r)
		if slices.ContainsFunc(orders, func(o Order) bool { return o.settles(&f) }) {
			continue
		}
		f.Place = Place{} // two makes that find the same find it once
		if key := strings.Join(f.Record(), "\x00"); !seen[key] {
			seen[key] = true
			out = append(out, f)
		}
	}
	order := make(map[Kind]int)
	for i, k := range kinds() {
		order[k.kind] = i
	}
	slices.SortStableFunc(out, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(order[x.Kind], order[y.Kind]), strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return out
}

// Words shows a finding as compilers show theirs. relative gives the name of a makefile.
func (f *Finding) Words(relative func(path string) string) string {
	text := f.Text
	switch {
	case f.File != "" && f.Line > 0:
		text = relative(f.File) + ":" + strconv.Itoa(f.Line) + ": " + text
	case f.File != "": // by a rule that is built in
		text = relative(f.File) + ": " + text
	}
	if f.Add != nil {
		text += "; add: " + f.Add.Line()
	}
	return text
}

// Lines shows findings, one a line. Targets of one rule that lack the same are told as
// one: the rule is what is wrong.
func Lines(findings []Finding, relative func(path string) string) []string {
	var out []string
	for i := 0; i < len(findings); {
		f := &findings[i]
		n := 1
		for i+n < len(findings) && f.alike(&findings[i+n]) {
			n++
		}
		line := f.Words(relative)
		if n > 1 {
			line += fmt.Sprintf("; %d more of this rule likewise", n-1)
		}
		out = append(out, line)
		i += n
	}
	return out
}

// alike reports whether two findings say the same of two targets of one rule.
func (f *Finding) alike(g *Finding) bool {
	return f.Add != nil && g.Add != nil && f.Kind == g.Kind && f.File == g.File && f.Line == g.Line && f.Line > 0 &&
		f.Add.Dir == g.Add.Dir && f.Add.Apart == g.Add.Apart && slices.Equal(f.Add.Needs, g.Add.Needs)
}

// Summary counts the findings of each kind.
func Summary(findings []Finding) string {
	n := make(map[Kind]int)
	for i := range findings {
		n[findings[i].Kind]++
	}
	var parts []string
	for _, k := range kinds() {
		switch n[k.kind] {
		case 0:
		case 1:
			parts = append(parts, "1 "+k.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n[k.kind], k.many))
		}
	}
	if parts == nil {
		return "lint: nothing found"
	}
	return "lint: " + strings.Join(parts, ", ")
}

// Additions are those of all findings.
func Additions(findings []Finding) []*Addition {
	var out []*Addition
	for i := range findings {
		if a := findings[i].Add; a != nil {
			out = append(out, a)
		}
	}
	return out
}
