package cache

import "errors"

// MaxPathSets is how many sets of looked-at paths are kept for one key. A
// recipe looks at another set when its inputs lead it elsewhere; the oldest set
// goes first.
const MaxPathSets = 8

// PathRef is a path with what of it an action looked at.
type PathRef struct {
	Path string
	Kind InputKind
}

// PathSet is what an earlier run looked at, without what it saw: the first
// phase of a look-up gives it, and the caller fills in what is there now.
type PathSet struct {
	Paths []PathRef
	Env   []string
}

// SetOf returns what the run that t records looked at.
func SetOf(t *Trace) PathSet {
	var s PathSet
	if len(t.Inputs) > 0 {
		s.Paths = make([]PathRef, 0, len(t.Inputs))
	}
	for i := range t.Inputs {
		s.Paths = append(s.Paths, PathRef{t.Inputs[i].Path, t.Inputs[i].Kind})
	}
	for _, e := range t.Env {
		s.Env = append(s.Env, e.Name)
	}
	return s
}

func encodeSet(s PathSet) []byte {
	var w writer
	w.byte(traceVersion)
	w.uint(uint64(len(s.Paths)))
	for _, p := range s.Paths {
		w.byte(byte(p.Kind))
		w.str(p.Path)
	}
	w.strs(s.Env)
	return w.b
}

func decodeSet(b []byte) (PathSet, error) {
	r := reader{s: string(b)}
	var s PathSet
	if r.byte() != traceVersion {
		return s, &CorruptError{What: "set of paths", Err: errors.New("unknown version")}
	}
	s.Paths = list(&r, func(p *PathRef) {
		p.Kind = InputKind(r.byte())
		p.Path = r.str()
	})
	s.Env = r.strs()
	if !r.done() {
		return PathSet{}, &CorruptError{What: "set of paths", Err: errors.New("malformed")}
	}
	return s, nil
}
