package build

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"fmake/cache"
	"fmake/exec/explain"
)

// awaySection holds, for --explain and for the next build, what became of recipes that were
// to be sent to another machine: lines of a target's name, a letter, and a text.
const awaySection = "away"

// The letters.
const (
	noteRan    = 'r' // where it ran
	noteStays  = 's' // why it was not sent
	noteFailed = 'f' // why it was of no use there
	noteGaveUp = 'g' // likewise, twice in a row; begins with the recipe that it is about
)

// awayNotes are those lines, of all makes that share a graph. It is safe for concurrent use.
type awayNotes struct {
	graph *cache.Graph

	mu    sync.Mutex
	lines map[string]string // by name: letter and text
	dirty bool
}

// notes returns what is known of recipes that were sent.
func (b *Build) notes() *awayNotes {
	b.tree.mu.Lock()
	defer b.tree.mu.Unlock()
	if b.tree.away == nil {
		n := &awayNotes{graph: b.graph, lines: make(map[string]string)}
		for _, line := range strings.Split(string(b.graph.Section(awaySection)), "\n") {
			if name, rest, ok := strings.Cut(line, "\t"); ok && rest != "" {
				n.lines[name] = rest
			}
		}
		b.tree.away = n
	}
	return b.tree.away
}

// line returns what is known of a target, "" for nothing.
func (n *awayNotes) line(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lines[name]
}

func (n *awayNotes) set(name string, letter rune, text string) {
	line := string(letter) + strings.ReplaceAll(text, "\n", " ")
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lines[name] != line && !strings.ContainsAny(name, "\t\n") {
		n.lines[name], n.dirty = line, true
	}
}

// ran notes where a recipe ran.
func (n *awayNotes) ran(name string, got *cache.Arrival) {
	text := got.Worker
	if text == "" {
		text = "a machine without a name"
	}
	if got.Cached {
		text += ", where its result was known"
	}
	n.set(name, noteRan, text)
}

// stays notes why a recipe was not sent.
func (n *awayNotes) stays(name, why string) {
	if n.gaveUpOn(name) == "" || !strings.HasPrefix(why, gaveUpWords) {
		n.set(name, noteStays, why)
	}
}

// failed notes that a recipe was of no use there. The second time in a row it is given up.
func (n *awayNotes) failed(name string, full cache.Hash, why string) {
	if was := n.line(name); was != "" && (was[0] == noteFailed || was[0] == noteGaveUp) {
		n.set(name, noteGaveUp, full.Short()+" "+why)
		return
	}
	n.set(name, noteFailed, why)
}

// gaveUpWords begin what is said of a recipe that is not sent any more.
const gaveUpWords = "it was of no use there twice: "

// gaveUpOn returns the line of a recipe that is not sent any more, "" if it is.
func (n *awayNotes) gaveUpOn(name string) string {
	if line := n.line(name); line != "" && line[0] == noteGaveUp {
		return line[1:]
	}
	return ""
}

// gaveUp says why a recipe is not sent any more, "" if it is: until its text changes.
func (n *awayNotes) gaveUp(name string, full cache.Hash) string {
	key, why, _ := strings.Cut(n.gaveUpOn(name), " ")
	if key != full.Short() {
		return ""
	}
	return gaveUpWords + why
}

// saveNotes puts the lines into the graph.
func (b *Build) saveNotes() {
	b.tree.mu.Lock()
	n := b.tree.away
	b.tree.mu.Unlock()
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.dirty {
		return
	}
	n.dirty = false
	names := make([]string, 0, len(n.lines))
	for name := range n.lines {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s\t%s\n", name, n.lines[name])
	}
	n.graph.SetSection(awaySection, []byte(text.String()))
}

// explainAway adds what became of a recipe that was to be sent.
func (b *Build) explainAway(a *explain.Answer, name string) {
	if note := b.awayNote(name); note != "" {
		a.Run.Notes = append(a.Run.Notes, note)
	}
}

// awayNote says what became of a target's recipe, "" if nobody wanted to send it.
func (b *Build) awayNote(name string) string {
	line := b.notes().line(name)
	if line == "" {
		return ""
	}
	text := line[1:]
	switch line[0] {
	case noteRan:
		return "It ran remotely on " + text + "."
	case noteStays:
		return "It was not sent to another machine because " + text + "."
	case noteFailed:
		return "It ran here because it was of no use on another machine: " + text + "."
	case noteGaveUp:
		_, why, _ := strings.Cut(text, " ")
		return "It is not sent to another machine any more because " + gaveUpWords + why + "."
	}
	return ""
}
