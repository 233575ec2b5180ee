package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"fmake/cache"
)

// The JSON is written by hand: package encoding/json would make each start slower.

// listJSON prints what is asked for as one object, a path in a line.
func (p *program) listJSON(out io.Writer, t *cache.Trace) error {
	words := make([]string, len(p.words))
	for i, w := range p.words {
		words[i] = quoteJSON(w)
	}
	fmt.Fprintf(out, "{\"command\": [%s],\n \"status\": %d", strings.Join(words, ", "), t.Status)
	if p.o.inputs {
		list(out, "inputs", len(t.Inputs), func(i int) string { return inputJSON(&t.Inputs[i]) })
	}
	if p.o.outputs {
		list(out, "outputs", len(t.Outputs), func(i int) string { return outputJSON(&t.Outputs[i]) })
	}
	_, err := fmt.Fprintln(out, "}")
	return err
}

func list(out io.Writer, name string, n int, item func(i int) string) {
	fmt.Fprintf(out, ",\n %s: [", quoteJSON(name))
	for i := range n {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		fmt.Fprintf(out, "\n  {%s}", item(i))
	}
	fmt.Fprint(out, "]")
}

func inputJSON(in *cache.Input) string {
	text := `"path": ` + quoteJSON(in.Path) + `, "how": ` + quoteJSON(inputWord(in))
	return text + modeJSON(in.Mode&0o7777, in.Kind == cache.InputContent) + hashJSON(in.Hash)
}

func outputJSON(o *cache.Output) string {
	text := `"path": ` + quoteJSON(o.Path) + `, "how": ` + quoteJSON(outputWord(o))
	if o.Link != "" {
		text += `, "link": ` + quoteJSON(o.Link)
	}
	return text + modeJSON(o.Mode, !o.Hash.IsZero()) + hashJSON(o.Hash)
}

func modeJSON(mode uint32, has bool) string {
	if !has {
		return ""
	}
	return fmt.Sprintf(`, "mode": "%04o"`, mode)
}

func hashJSON(h cache.Hash) string {
	if h.IsZero() {
		return ""
	}
	return `, "blake3": ` + quoteJSON(h.String())
}

// quoteJSON writes a text. Bytes that are no UTF-8, which names of files may have, become
// the replacement character: JSON knows no others.
func quoteJSON(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r == utf8.RuneError:
			b.WriteString(`\ufffd`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
