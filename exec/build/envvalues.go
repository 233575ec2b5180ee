package build

import (
	"strings"

	"fmake/cache"
)

// Traces hold hashes of the values of variables. What a value was, --explain wants to
// show too, so the graph keeps the texts of the short ones beside the traces: each
// once, however many traces it is in.

// valuesSection holds the texts of values, each as NAME=value, ended by a zero byte,
// which no variable can hold.
const valuesSection = "env-values"

// What of values is kept.
const (
	longestValue = 1 << 10
	mostValues   = 64 << 10 // bytes of all of them; older ones go first
)

// envValues are the values that the graph knows.
type envValues struct {
	graph *cache.Graph
	texts map[cache.EnvInput]string
	order []string // NAME=value, oldest first
	size  int
}

// values reads what is kept when it is first asked for.
func (b *Build) values() *envValues {
	if b.envValues == nil {
		b.envValues = &envValues{graph: b.graph, texts: make(map[cache.EnvInput]string)}
		b.envValues.read()
	}
	return b.envValues
}

// read takes over what is in the graph, where other makes of the process may have
// added to it.
func (v *envValues) read() {
	for text := range strings.SplitSeq(string(v.graph.Section(valuesSection)), "\x00") {
		if name, value, ok := strings.Cut(text, "="); ok {
			v.enter(cache.EnvInput{Name: name, Set: true, Value: cache.HashString(value)}, value)
		}
	}
}

// value returns what the value of a variable was, if that is known.
func (v *envValues) value(in cache.EnvInput) (text string, known bool) {
	text, known = v.texts[in]
	return text, known
}

func (v *envValues) enter(in cache.EnvInput, value string) {
	if _, known := v.texts[in]; known {
		return
	}
	v.texts[in] = value
	v.order = append(v.order, in.Name+"="+value)
	v.size += len(in.Name) + len(value) + 2
}

// keep adds the values of variables that an action depends on. Nearly always all of
// them are known.
func (v *envValues) keep(env map[string]string, inputs []cache.EnvInput) {
	fresh := false
	for _, in := range inputs {
		if _, known := v.texts[in]; known || !in.Set {
			continue
		}
		if value := env[in.Name]; len(value) <= longestValue && !isSecret(in.Name) {
			v.enter(in, value)
			fresh = true
		}
	}
	if !fresh {
		return
	}
	v.read()
	for v.size > mostValues {
		v.size -= len(v.order[0]) + 1
		v.order = v.order[1:]
	}
	v.graph.SetSection(valuesSection, []byte(strings.Join(v.order, "\x00")))
}

// isSecret reports whether a variable's name says that its value is nobody's business.
func isSecret(name string) bool {
	name = strings.ToUpper(name)
	for _, word := range []string{"TOKEN", "SECRET", "PASS", "KEY", "CRED", "AUTH", "COOKIE"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
