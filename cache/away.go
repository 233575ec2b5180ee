package cache

import (
	"encoding/binary"
	"errors"
	"fmt"

	"fmake/cache/internal/proto"
)

// An action may run away from here, on another machine. What that needs is given to the
// other machine, and what the action leaves there is in the store afterwards, under the
// names that an Arrival tells. What it means that it has run is for the caller to find out.

// Away is an action for another machine. Paths are relative to the root of the tree that it
// finds there and begins in, slash-separated and clean.
type Away struct {
	ID      uint64 // names it among those of a client, for Recall
	Args    []string
	Env     []string // NAME=value, sorted
	Files   []AwayFile
	Outputs []string // what it may leave, sorted
	Answer  string   // that of its outputs of which the content is wanted at once
	Usual   int64    // how long it takes here, 0 if nobody knows
}

// AwayFile is something that an action finds: a file, a symbolic link or a directory.
type AwayFile struct {
	Path string
	From string // where it is here, for a file that is not in Data
	Data string
	Hash Hash // of the file at From
	Size int64
	Link string // what is not empty for a link
	Dir  bool
	Exec bool
}

// Arrival is what has come back.
type Arrival struct {
	Why     string // why nothing has, "" if it has
	Status  int
	Cached  bool   // it had run before, for somebody else perhaps
	Worker  string // where it ran, "" if nobody says so
	Outputs []Output
	Small   []string // contents of those of them that are small, in any order
	Answer  []byte
	Printed string // what it said on its standard error, for messages
	Took    int64  // nanoseconds that it ran there, 0 if nobody says so
}

// Run sends an action to another machine and waits for what comes back. The error is about
// the way there; ErrNoFar says that there is no such machine.
func (c *Client) Run(a *Away) (*Arrival, error) {
	answer, found, err := c.far(proto.FarRun, encodeAway(a), 0)
	if err != nil {
		return nil, err
	}
	if !found {
		return &Arrival{Why: "the other machine is not used any more"}, nil
	}
	return DecodeArrival(answer)
}

// Recall ends an action that was sent. Run returns soon then.
func (c *Client) Recall(id uint64) error {
	_, _, err := c.far(proto.FarRecall, binary.LittleEndian.AppendUint64(nil, id), c.Timeout)
	return err
}

func encodeAway(a *Away) []byte {
	var w writer
	w.byte(traceVersion)
	w.uint(a.ID)
	w.strs(a.Args)
	w.strs(a.Env)
	w.uint(uint64(len(a.Files)))
	for i := range a.Files {
		f := &a.Files[i]
		w.str(f.Path)
		w.str(f.From)
		w.str(f.Data)
		w.str(f.Link)
		w.hash(f.Hash)
		w.int(f.Size)
		w.uint(flagBits(f.Dir, f.Exec))
	}
	w.strs(a.Outputs)
	w.str(a.Answer)
	w.int(a.Usual)
	return w.b
}

// flagBits makes a number of truths.
func flagBits(flags ...bool) (n uint64) {
	for i, f := range flags {
		n |= bit(f) << i
	}
	return n
}

// DecodeAway reads what a client has sent.
func DecodeAway(b []byte) (*Away, error) {
	r := reader{s: string(b)}
	if r.byte() != traceVersion {
		return nil, errors.New("another release of fmake asks")
	}
	a := &Away{ID: r.uint(), Args: r.strs(), Env: r.strs()}
	a.Files = list(&r, func(f *AwayFile) {
		f.Path, f.From, f.Data, f.Link = r.str(), r.str(), r.str(), r.str()
		f.Hash, f.Size = r.hash(), r.int()
		flags := r.uint()
		f.Dir, f.Exec = flags&1 != 0, flags&2 != 0
	})
	a.Outputs, a.Answer, a.Usual = r.strs(), r.str(), r.int()
	if !r.done() {
		return nil, errors.New("malformed action")
	}
	return a, nil
}

// EncodeArrival writes what DecodeArrival reads.
func EncodeArrival(a *Arrival) []byte {
	var w writer
	w.byte(traceVersion)
	w.str(a.Why)
	w.int(int64(a.Status))
	w.uint(flagBits(a.Cached))
	w.str(a.Worker)
	w.uint(uint64(len(a.Outputs)))
	for i := range a.Outputs {
		o := &a.Outputs[i]
		w.str(o.Path)
		w.uint(uint64(o.Type))
		w.uint(uint64(o.Mode))
		w.hash(o.Hash)
		w.int(o.Size)
		w.str(o.Link)
	}
	w.strs(a.Small)
	w.str(string(a.Answer))
	w.str(a.Printed)
	w.int(a.Took)
	return w.b
}

// DecodeArrival reads what comes back to a client.
func DecodeArrival(b []byte) (*Arrival, error) {
	r := reader{s: string(b)}
	if r.byte() != traceVersion {
		return nil, fmt.Errorf("%w: it answers as another release of fmake", ErrUnavailable)
	}
	a := &Arrival{Why: r.str(), Status: int(r.int()), Cached: r.uint() != 0, Worker: r.str()}
	a.Outputs = list(&r, func(o *Output) {
		o.Path, o.Type, o.Mode = r.str(), r.small(), r.small()
		o.Hash, o.Size, o.Link = r.hash(), r.int(), r.str()
	})
	a.Small, a.Answer, a.Printed, a.Took = r.strs(), []byte(r.str()), r.str(), r.int()
	if !r.done() {
		return nil, fmt.Errorf("%w: a malformed answer", ErrUnavailable)
	}
	return a, nil
}

// RecallID reads what Recall has sent.
func RecallID(b []byte) uint64 {
	if len(b) != 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}
