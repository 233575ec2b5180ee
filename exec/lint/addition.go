package lint

import (
	"slices"
	"strings"
)

// writable tells whether a line of a makefile can say an addition: names with
// characters that mean something there are left to people.
func writable(a *Addition) bool {
	if a.Makefile == "" || !isPlain(a.Target) || !allPlain(a.Sealed) {
		return false
	}
	return !slices.ContainsFunc(a.Needs, func(name string) bool {
		if inner, ok := strings.CutPrefix(name, wildcard); ok {
			name = strings.TrimSuffix(inner, ")")
		}
		return !isPlain(name)
	})
}

func allPlain(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !isPlain(name) })
}

// isPlain tells whether a name means itself in a makefile.
func isPlain(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= 0x80:
		case strings.IndexByte("_./+,@-^", c) < 0:
			return false
		}
	}
	return name != "" && name[0] != '-'
}

// Line is the line that says an addition. Where the recipe uses the list of its
// prerequisites, .EXTRA_PREREQS keeps the new ones out of it.
func (a *Addition) Line() string { return line([]string{a.Target}, a.Needs, a.Apart) }

func line(targets, needs []string, apart bool) string {
	head := strings.Join(targets, " ") + ":"
	if apart {
		head += " private .EXTRA_PREREQS +="
	}
	return head + " " + strings.Join(needs, " ")
}

// merged joins what several findings, or several runs of one make, add to one target.
func merged(additions []*Addition) []*Addition {
	byTarget := make(map[string]*Addition)
	var out []*Addition
	for _, a := range additions {
		m := byTarget[a.Target]
		if m == nil {
			c := *a
			c.Needs = slices.Clone(a.Needs)
			m = &c
			byTarget[a.Target] = m
			out = append(out, m)
			continue
		}
		m.Needs = append(m.Needs, a.Needs...)
		m.Sealed = append(m.Sealed[:len(m.Sealed):len(m.Sealed)], a.Sealed...)
		m.Apart = m.Apart || a.Apart
	}
	for _, m := range out {
		slices.Sort(m.Needs)
		m.Needs = slices.Compact(m.Needs)
	}
	slices.SortFunc(out, func(x, y *Addition) int { return strings.Compare(x.Target, y.Target) })
	return out
}

// lines says additions in as few lines as there are lists of prerequisites.
func lines(additions []*Addition) []string {
	type group struct {
		targets, needs []string
		apart          bool
	}
	var groups []*group
	byNeeds := make(map[string]*group)
	for _, a := range merged(additions) {
		key := line(nil, a.Needs, a.Apart)
		g := byNeeds[key]
		if g == nil {
			g = &group{needs: a.Needs, apart: a.Apart}
			byNeeds[key] = g
			groups = append(groups, g)
		}
		g.targets = append(g.targets, a.Target)
	}
	var out []string
	for _, g := range groups {
		out = append(out, wrap(line(g.targets, g.needs, g.apart))...)
	}
	return append(out, seals(additions)...)
}

// seals are the lines by which no implicit rule makes what is made elsewhere.
func seals(additions []*Addition) []string {
	var sealed []string
	for _, a := range additions {
		sealed = append(sealed, a.Sealed...)
	}
	if len(sealed) == 0 {
		return nil
	}
	slices.Sort(sealed)
	return append([]string{"# These are made elsewhere."}, wrap(strings.Join(slices.Compact(sealed), " ")+": ;")...)
}

// width is where a line of a makefile is continued on the next.
const width = 96

// wrap breaks a long line between words. The words of a reference stay together.
func wrap(text string) []string {
	var out []string
	indent := ""
	for len(text) > width {
		at := strings.LastIndexByte(text[:width], ' ')
		if open := strings.LastIndex(text[:max(at, 0)], "$("); open > 0 && !strings.Contains(text[open:at], ")") {
			at = open - 1
		}
		if at <= len(indent) {
			at = strings.IndexByte(text[len(indent):], ' ')
			if at < 0 {
				break
			}
			at += len(indent)
		}
		out = append(out, text[:at]+" \\")
		indent = "    "
		text = indent + text[at+1:]
	}
	return append(out, text)
}
