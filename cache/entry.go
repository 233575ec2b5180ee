package cache

import "sync"

// Entry is a target of a graph, of which only what is asked for is decoded: the
// fast road of a build that has nothing to do.
type Entry struct {
	img   *image
	rec   string
	fixed Trace // the fixed part
	parts record
}

// Entry returns the entry of a target.
func (g *Graph) Entry(name string) (Entry, bool) {
	img, rec, ok := g.record(name)
	if !ok {
		return Entry{}, false
	}
	e := Entry{img: img, rec: rec}
	r := reader{s: rec}
	e.parts = readRecord(&r, &e.fixed)
	return e, r.done()
}

// Key returns Trace.Key.
func (e *Entry) Key() Hash { return e.fixed.Key }

// FullKey returns Trace.FullKey.
func (e *Entry) FullKey() Hash { return e.fixed.FullKey }

// Strong returns Trace.Strong.
func (e *Entry) Strong() Hash { return e.fixed.Strong }

// From returns Trace.From.
func (e *Entry) From() Origin { return e.fixed.From }

// Started returns Trace.Started.
func (e *Entry) Started() int64 { return e.fixed.Started }

// Run returns Trace.Run.
func (e *Entry) Run() Hash { return e.fixed.Run }

// Flags returns Trace.Flags.
func (e *Entry) Flags() TraceFlags { return e.fixed.Flags }

// Serial returns Trace.Serial.
func (e *Entry) Serial() uint64 { return e.fixed.Serial }

// Status returns Trace.Status.
func (e *Entry) Status() int { return e.fixed.Status }

// Duration returns Trace.Duration.
func (e *Entry) Duration() int64 { return e.fixed.Duration }

// Trace decodes everything. It is nil if the record is damaged.
func (e *Entry) Trace() *Trace {
	t, ok := e.img.decode(e.rec)
	if !ok {
		return nil
	}
	return t
}

// Tokens decodes Trace.Tokens.
func (e *Entry) Tokens() []Token {
	r := e.parts.tokens
	return readTokens(&r, e.img.strs)
}

// Env decodes Trace.Env.
func (e *Entry) Env() []EnvInput {
	r := e.parts.env
	return readEnv(&r, e.img.strs)
}

// EnvText is Trace.Env as it is encoded: entries with the same text have the same
// Env.
type EnvText struct {
	img  *image
	text string
}

// EnvText returns Trace.Env as it is encoded.
func (e *Entry) EnvText() EnvText { return EnvText{e.img, e.parts.env.s} }

// Outputs decodes Trace.Outputs.
func (e *Entry) Outputs() []Output {
	r := e.parts.outputs
	return readOutputs(&r, e.img.strs)
}

// Befores decodes Trace.Befores.
func (e *Entry) Befores() []Output {
	r := e.parts.tail
	r.ref(e.img.strs)
	r.ref(e.img.strs)
	r.str()
	r.str()
	return readOutputs(&r, e.img.strs)
}

// Vars decodes Trace.Vars.
func (e *Entry) Vars() []string {
	r := e.parts.vars
	return r.strs()
}

// Dir decodes Trace.Dir.
func (e *Entry) Dir() string {
	r := e.parts.tail
	return r.ref(e.img.strs)
}

// Recipe decodes Trace.Recipe.
func (e *Entry) Recipe() string {
	r := e.parts.tail
	r.ref(e.img.strs)
	r.ref(e.img.strs)
	return r.str()
}

// Checker finds out whether the inputs of entries are as they were, asking once
// for each distinct input of the whole graph. It is safe for concurrent use, but
// its callback is called by one goroutine at a time.
type Checker struct {
	same func(in *Input) bool

	mu     sync.Mutex
	img    *image
	states []verdict
	chunks []verdict
	byPath map[string][]uint32 // states of each path, for Forget
	listed int                 // how many states are in byPath
}

// verdict is what is known of a state or a chunk.
type verdict uint8

const (
	unasked verdict = iota
	holds
	differs
)

// NewChecker returns a Checker that asks same whether one input is as it was.
// same must not keep the Input.
func (g *Graph) NewChecker(same func(in *Input) bool) *Checker {
	return &Checker{same: same}
}

// Holds returns nil if every input of e is as it was, else one that is not. An
// input that is not as it was, but that this entry may see so all the same, is
// asked of seen, which may be nil and must not keep it.
func (c *Checker) Holds(e *Entry, seen func(in *Input) bool) *Input {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fit(e.img)
	r := e.parts.inputs
	for range r.count() {
		chunk := r.small()
		if int64(chunk) >= int64(len(c.chunks)) {
			return &Input{}
		}
		if c.chunks[chunk] == holds {
			continue
		}
		in, every := c.checkChunk(chunk, seen)
		if in != nil {
			return in
		}
		if every {
			c.chunks[chunk] = holds
		}
	}
	if !r.done() {
		return &Input{} // damaged: no input that anybody has
	}
	return nil
}

// fit makes room for img's tables. Saving a graph may give it another image;
// then everything is asked again.
func (c *Checker) fit(img *image) {
	if c.img != img {
		c.img, c.states, c.chunks, c.byPath, c.listed = img, nil, nil, nil, 0
	}
	c.states = grown(c.states, img.states.len())
	c.chunks = grown(c.chunks, img.chunks.len())
}

func grown(s []verdict, n int) []verdict {
	if n <= len(s) {
		return s
	}
	return append(s, make([]verdict, n-len(s))...)
}

// checkChunk returns the first input of a chunk that is not as it was; every
// tells that none had to be asked of seen.
func (c *Checker) checkChunk(chunk uint32, seen func(in *Input) bool) (in *Input, every bool) {
	n, every := 0, true
	for id := range c.img.stateIDs(chunk) {
		n++
		if int64(id) >= int64(len(c.states)) {
			return &Input{}, false
		}
		if c.states[id] == holds {
			continue
		}
		var in Input
		if !c.img.state(id, &in) {
			return &Input{}, false
		}
		if c.states[id] == unasked {
			c.states[id] = differs
			if c.same(&in) {
				c.states[id] = holds
			}
		}
		if c.states[id] == differs {
			if seen == nil || !seen(&in) {
				return &in, false
			}
			every = false
		}
	}
	if n == 0 {
		return &Input{}, false
	}
	return nil, every
}

// Forget makes the Checker ask again about paths that may have changed.
func (c *Checker) Forget(paths ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.img == nil {
		return
	}
	c.indexPaths()
	for _, path := range paths {
		for _, id := range c.byPath[path] {
			c.states[id] = unasked
		}
	}
	// Which chunks hold the state is not worth an index: walking the states of
	// a chunk again costs no question to the file system.
	clear(c.chunks)
}

// indexPaths enters the states that have come since it was last called in byPath.
func (c *Checker) indexPaths() {
	if c.byPath == nil {
		c.byPath = make(map[string][]uint32, len(c.states))
	}
	for ; c.listed < len(c.states); c.listed++ {
		var in Input
		if c.img.state(uint32(c.listed), &in) {
			c.byPath[in.Path] = append(c.byPath[in.Path], uint32(c.listed))
		}
	}
}
