package cache

// record is a trace of which only the fixed part has been read: the groups are
// read when they are asked for.
type record struct {
	inputs, tokens, env, outputs, vars, tail reader
}

// readRecord reads the fixed part into t and finds the groups. If r is bad
// afterwards the record is malformed.
func readRecord(r *reader, t *Trace) record {
	t.Key = r.hash()
	t.FullKey = r.hash()
	t.Strong = r.hash()
	t.Run = r.hash()
	flags := r.uint()
	if flags > 1<<16-1 {
		r.fail()
	}
	t.Flags = TraceFlags(flags)
	t.From = Origin(r.byte())
	t.Serial = r.uint()
	t.Status = int(r.int())
	t.Started = r.int()
	t.Duration = r.int()
	return record{r.group(), r.group(), r.group(), r.group(), r.group(), r.group()}
}

// rest reads all groups but the inputs into t.
func (rec *record) rest(t *Trace, names lookuper) bool {
	t.Tokens = readTokens(&rec.tokens, names)
	t.Env = readEnv(&rec.env, names)
	t.Outputs = readOutputs(&rec.outputs, names)
	t.Vars = rec.vars.strs()
	r := &rec.tail
	t.Dir = r.ref(names)
	t.Target = r.ref(names)
	t.Recipe = r.str()
	t.Reason = r.str()
	t.Befores = readOutputs(r, names)
	t.Procs = readProcs(r, names)
	t.Chunks = readChunks(r)
	return rec.tokens.done() && rec.env.done() && rec.outputs.done() && rec.vars.done() && r.done()
}

// list reads a count and that many elements. It returns nil for none.
func list[T any](r *reader, element func(*T)) []T {
	n := r.count()
	if n == 0 {
		return nil
	}
	// The count is bounded by the bytes that follow, an element's size in memory
	// is not: let a false count fail before much memory is taken for it.
	out := make([]T, 0, min(n, 4096))
	for i := range n {
		var zero T
		out = append(out, zero)
		if element(&out[i]); r.bad {
			return nil
		}
	}
	return out
}

func readTokens(r *reader, names lookuper) []Token {
	return list(r, func(t *Token) {
		t.Name = r.ref(names)
		t.Hash = r.hash()
		t.Run = r.hash()
		t.Mtime = r.int()
	})
}

func readEnv(r *reader, names lookuper) []EnvInput {
	return list(r, func(e *EnvInput) {
		e.Name = r.ref(names)
		e.Set = r.byte() != 0
		e.Value = r.hash()
	})
}

func readOutputs(r *reader, names lookuper) []Output {
	return list(r, func(o *Output) {
		o.Path = r.ref(names)
		o.Type = r.small()
		o.Mode = r.small()
		o.Hash = r.hash()
		o.Size = r.int()
		o.Link = r.str()
		o.SameAs = r.ref(names)
		o.Stat = r.stat()
	})
}

func readProcs(r *reader, names lookuper) []Proc {
	return list(r, func(p *Proc) {
		parent := r.int()
		if parent != int64(int32(parent)) {
			r.fail()
		}
		p.Parent = int32(parent)
		p.Argv = r.strs()
		p.Dir = r.ref(names)
		p.Env = r.strs()
		p.Reads = readIndices(r)
		p.Writes = readIndices(r)
	})
}

func readIndices(r *reader) []uint32 {
	last := int64(0)
	return list(r, func(n *uint32) {
		last += r.int()
		if last < 0 || last > 1<<32-1 {
			r.fail()
		}
		*n = uint32(last)
	})
}

func readChunks(r *reader) []Chunk {
	return list(r, func(c *Chunk) {
		c.Stream = r.byte()
		if data := r.str(); data != "" {
			c.Data = []byte(data)
		}
	})
}

func readInput(r *reader, in *Input, names lookuper) {
	in.Path = r.ref(names)
	in.Kind = InputKind(r.byte())
	has := r.byte()
	if has&inputHasMode != 0 {
		in.Mode = r.small()
	}
	if has&inputHasSize != 0 {
		in.Size = r.int()
	}
	if has&inputHasHash != 0 {
		in.Hash = r.hash()
	}
	if has&inputHasStat != 0 {
		in.Stat = r.stat()
	}
}

func readInputs(r *reader, names lookuper) []Input {
	return list(r, func(in *Input) { readInput(r, in, names) })
}

// TraceDuration returns the duration of an encoded trace without decoding it.
// The bytes must not be changed by anybody at the same time.
func TraceDuration(b []byte) (int64, bool) {
	r := reader{s: textOf(b)}
	if r.byte() != traceVersion {
		return 0, false
	}
	for range r.count() {
		r.str()
	}
	var t Trace
	readRecord(&r, &t)
	return t.Duration, !r.bad
}
