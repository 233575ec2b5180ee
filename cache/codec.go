package cache

import (
	"errors"
	"unsafe"
)

// # How a trace is written
//
// A record is: the hashes, the numbers, and then groups, each preceded by its
// length, in the order in which deciding needs them:
//
//	Key FullKey Strong Run flags from serial status started duration
//	[inputs] [tokens] [env] [outputs] [vars] [the rest]
//
// Strings that repeat between traces (paths, names) are numbers into a table
// that the container keeps. There are two containers: the graph file, where the
// tables and the inputs are shared by all traces, and EncodeTrace, where a trace
// is alone with a table of its own.

// traceVersion is the first byte of an encoded trace.
const traceVersion = 2

// interner is the table of strings of a container, for writing.
type interner interface{ intern(s string) uint32 }

// lookuper is the table of strings of a container, for reading.
type lookuper interface {
	lookup(id uint32) (string, bool)
}

// EncodeTrace writes t with everything it needs. Empty and nil slices are the
// same to it.
func EncodeTrace(t *Trace) []byte {
	names := &localTable{ids: make(map[string]uint32, len(t.Inputs)+len(t.Env)+len(t.Outputs)+2)}
	body := writer{b: make([]byte, 0, recordSize(t))}
	writeRecord(&body, t, names, func(w *writer) { writeInputs(w, t.Inputs, names) })
	w := writer{b: make([]byte, 0, len(body.b)+names.size+64)}
	w.byte(traceVersion)
	w.strs(names.list)
	w.b = append(w.b, body.b...)
	return w.seal()
}

// recordSize is about how long the record of a trace becomes.
func recordSize(t *Trace) int {
	const fixed, each = 512, 40
	size := fixed + each*(2*len(t.Inputs)+3*len(t.Tokens)+len(t.Env)+2*len(t.Outputs)+2*len(t.Befores)) + len(t.Recipe)
	for i := range t.Chunks {
		size += len(t.Chunks[i].Data)
	}
	return size
}

// DecodeTrace reads what EncodeTrace wrote. The error is a *CorruptError or a
// *VersionError.
func DecodeTrace(b []byte) (*Trace, error) { return decodeTrace(string(b)) }

// decodeTrace is DecodeTrace; the strings of the trace are parts of text.
func decodeTrace(text string) (*Trace, error) {
	body, ok := unseal(unsafe.Slice(unsafe.StringData(text), len(text)))
	if !ok {
		return nil, &CorruptError{What: "trace", Err: errors.New("wrong checksum")}
	}
	r := reader{s: text[:len(body)]}
	if v := r.byte(); v != traceVersion {
		return nil, &VersionError{"trace", "", string(rune('0' + v)), string(rune('0' + traceVersion))}
	}
	names := &localTable{list: r.strs()}
	t := &Trace{}
	rec := readRecord(&r, t)
	t.Inputs = readInputs(&rec.inputs, names)
	if r.bad || !rec.inputs.done() || !rec.rest(t, names) {
		return nil, &CorruptError{What: "trace", Err: errors.New("malformed")}
	}
	return t, nil
}

// localTable is the table of strings of a trace that stands alone.
type localTable struct {
	ids  map[string]uint32
	list []string
	size int
}

func (l *localTable) intern(s string) uint32 {
	if id, ok := l.ids[s]; ok {
		return id
	}
	id := uint32(len(l.list))
	l.ids[s] = id
	l.list = append(l.list, s)
	l.size += len(s) + 2
	return id
}

func (l *localTable) lookup(id uint32) (string, bool) {
	if int64(id) >= int64(len(l.list)) {
		return "", false
	}
	return l.list[id], true
}

// ref reads a string that the container's table holds.
func (r *reader) ref(names lookuper) string {
	s, ok := names.lookup(r.small())
	if !ok {
		r.fail()
	}
	return s
}

// writeRecord writes t; inputs are written by the container.
func writeRecord(w *writer, t *Trace, names interner, inputs func(*writer)) {
	ref := func(w *writer, s string) { w.uint(uint64(names.intern(s))) }
	w.hash(t.Key)
	w.hash(t.FullKey)
	w.hash(t.Strong)
	w.hash(t.Run)
	w.uint(uint64(t.Flags))
	w.byte(byte(t.From))
	w.uint(t.Serial)
	w.int(int64(t.Status))
	w.int(t.Started)
	w.int(t.Duration)
	w.group(inputs)
	w.group(func(w *writer) { writeTokens(w, t.Tokens, ref) })
	w.group(func(w *writer) { writeEnv(w, t.Env, ref) })
	w.group(func(w *writer) { writeOutputs(w, t.Outputs, ref) })
	w.group(func(w *writer) { w.strs(t.Vars) })
	w.group(func(w *writer) {
		ref(w, t.Dir)
		ref(w, t.Target)
		w.str(t.Recipe)
		w.str(t.Reason)
		writeOutputs(w, t.Befores, ref)
		writeProcs(w, t.Procs, ref)
		writeChunks(w, t.Chunks)
	})
}

type refWriter func(w *writer, s string)

func writeTokens(w *writer, tokens []Token, ref refWriter) {
	w.uint(uint64(len(tokens)))
	for _, t := range tokens {
		ref(w, t.Name)
		w.hash(t.Hash)
		w.hash(t.Run)
		w.int(t.Mtime)
	}
}

func writeEnv(w *writer, env []EnvInput, ref refWriter) {
	w.uint(uint64(len(env)))
	for _, e := range env {
		ref(w, e.Name)
		w.byte(byte(bit(e.Set)))
		w.hash(e.Value)
	}
}

func writeOutputs(w *writer, outputs []Output, ref refWriter) {
	w.uint(uint64(len(outputs)))
	for i := range outputs {
		o := &outputs[i]
		ref(w, o.Path)
		w.uint(uint64(o.Type))
		w.uint(uint64(o.Mode))
		w.hash(o.Hash)
		w.int(o.Size)
		w.str(o.Link)
		ref(w, o.SameAs)
		w.stat(o.Stat)
	}
}

func writeProcs(w *writer, procs []Proc, ref refWriter) {
	w.uint(uint64(len(procs)))
	for i := range procs {
		p := &procs[i]
		w.int(int64(p.Parent))
		w.strs(p.Argv)
		ref(w, p.Dir)
		w.strs(p.Env)
		writeIndices(w, p.Reads)
		writeIndices(w, p.Writes)
	}
}

// writeIndices writes numbers that mostly ascend.
func writeIndices(w *writer, list []uint32) {
	w.uint(uint64(len(list)))
	last := int64(0)
	for _, n := range list {
		w.int(int64(n) - last)
		last = int64(n)
	}
}

func writeChunks(w *writer, chunks []Chunk) {
	w.uint(uint64(len(chunks)))
	for _, c := range chunks {
		w.byte(c.Stream)
		w.uint(uint64(len(c.Data)))
		w.b = append(w.b, c.Data...)
	}
}

// The bits that say which fields of an input follow.
const (
	inputHasMode = 1 << iota
	inputHasSize
	inputHasHash
	inputHasStat
)

// writeInput writes one input; what is zero is left out. It returns the number of the
// path.
func writeInput(w *writer, in *Input, names interner) (path uint32) {
	var has byte
	if in.Mode != 0 {
		has |= inputHasMode
	}
	if in.Size != 0 {
		has |= inputHasSize
	}
	if !in.Hash.IsZero() {
		has |= inputHasHash
	}
	if in.Stat != (FileStat{}) {
		has |= inputHasStat
	}
	path = names.intern(in.Path)
	w.uint(uint64(path))
	w.byte(byte(in.Kind))
	w.byte(has)
	if has&inputHasMode != 0 {
		w.uint(uint64(in.Mode))
	}
	if has&inputHasSize != 0 {
		w.int(in.Size)
	}
	if has&inputHasHash != 0 {
		w.hash(in.Hash)
	}
	if has&inputHasStat != 0 {
		w.stat(in.Stat)
	}
	return path
}

func writeInputs(w *writer, inputs []Input, names interner) {
	w.uint(uint64(len(inputs)))
	for i := range inputs {
		writeInput(w, &inputs[i], names)
	}
}
