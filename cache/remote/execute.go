package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"fmake/cache"
)

// errNotSent is wrapped by what is no fault of the server's.
var errNotSent = errors.New("")

func notSent(format string, args ...any) error {
	return fmt.Errorf("%s%w", fmt.Sprintf(format, args...), errNotSent)
}

const (
	// unknownPatience is how long nothing may come while an action runs of which nobody
	// knows how long it takes.
	unknownPatience = 30 * time.Second
	// firstWord is how long a server may say nothing at all of an action.
	firstWord = 5 * time.Second
	// knownPatience is that beyond three times what it takes here.
	knownPatience = 2500 * time.Millisecond
	// cancelTime bounds the call that ends what runs in vain.
	cancelTime = 500 * time.Millisecond
)

// parcel is an action as the server is told of it.
type parcel struct {
	away   *cache.Away
	action *repb.Digest
	blobs  []*blob
}

// send has an action run, unless its result is known there, and takes what it has left.
func (f *farm) send(ctx context.Context, a *cache.Away) (*cache.Arrival, error) {
	ctx, p := f.feel(ctx)
	defer p.stop()
	r, err := f.sendBy(ctx, p, a)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, errNotSent) {
		err = cause // the error is only what became of it
	}
	return r, err
}

func (f *farm) sendBy(ctx context.Context, p *pulse, a *cache.Away) (*cache.Arrival, error) {
	l, err := f.limits(ctx)
	if err != nil {
		return nil, err
	}
	p.beat()
	c, err := f.pack(l, a)
	if err != nil {
		return nil, err
	}
	r, err := f.server.cached(ctx, l, c)
	if err != nil {
		return nil, err
	}
	p.beat()
	if r != nil {
		if arrival, err := f.take(ctx, l, p, c, r); err == nil {
			arrival.Cached = true
			return arrival, nil
		} else if !isGone(err) {
			return nil, err
		}
	}
	for again := false; ; again = true {
		if err := f.give(ctx, l, p, c.blobs); err != nil {
			return nil, err
		}
		answer, err := f.execute(ctx, l, p, c)
		if lacks(err) && !again { // it has dropped some since
			f.forget(c.blobs)
			continue
		}
		if err != nil {
			return nil, err
		}
		arrival, err := f.take(ctx, l, p, c, answer.GetResult())
		if err != nil {
			return nil, err
		}
		arrival.Cached = answer.GetCachedResult()
		return arrival, nil
	}
}

// lacks tells whether an action was not run because the server does not have all of it.
func lacks(err error) bool {
	return status.Code(err) == codes.FailedPrecondition || status.Code(err) == codes.NotFound
}

// pack makes a parcel of an action.
func (f *farm) pack(l limits, a *cache.Away) (*parcel, error) {
	c := &parcel{away: a}
	leaves := make([]leaf, 0, len(a.Files))
	for i := range a.Files {
		x := &a.Files[i]
		n := leaf{path: x.Path, exec: x.Exec, link: x.Link, dir: x.Dir}
		switch {
		case x.Dir, x.Link != "":
		case x.From == "":
			b := &blob{digest: l.function.digest([]byte(x.Data)), data: []byte(x.Data)}
			n.digest, c.blobs = b.digest, append(c.blobs, b)
		default:
			b, err := f.file(l.function, x)
			if err != nil {
				return nil, err
			}
			n.digest, c.blobs = b.digest, append(c.blobs, b)
		}
		leaves = append(leaves, n)
	}
	root, dirs, err := buildTree(l.function, leaves)
	if err != nil {
		return nil, notSent("its tree cannot be made: %v", err)
	}
	platform := &repb.Platform{}
	for _, x := range f.place.Platform {
		platform.Properties = append(platform.Properties, &repb.Platform_Property{Name: x[0], Value: x[1]})
	}
	//lint:ignore SA1019 servers of before version 2.2 look there
	command := &repb.Command{Arguments: a.Args, OutputPaths: a.Outputs, Platform: platform}
	for _, e := range a.Env {
		command.EnvironmentVariables = append(command.EnvironmentVariables, variable(e))
	}
	cmd, err := pack(l.function, command)
	if err != nil {
		return nil, err
	}
	action, err := pack(l.function, &repb.Action{
		CommandDigest: cmd.digest, InputRootDigest: root, Timeout: durationpb.New(f.place.Limit), Platform: platform,
	})
	if err != nil {
		return nil, err
	}
	c.action = action.digest
	c.blobs = append(append(c.blobs, dirs...), cmd, action)
	return c, nil
}

func variable(e string) *repb.Command_EnvironmentVariable {
	for i := range e {
		if e[i] == '=' {
			return &repb.Command_EnvironmentVariable{Name: e[:i], Value: e[i+1:]}
		}
	}
	return &repb.Command_EnvironmentVariable{Name: e}
}

// cached asks for the result of an action that has run before, nil if there is none.
func (s *server) cached(ctx context.Context, l limits, c *parcel) (*repb.ActionResult, error) {
	r, err := s.actions.GetActionResult(ctx, &repb.GetActionResultRequest{
		InstanceName: s.instance, ActionDigest: c.action, DigestFunction: l.function.value(), InlineOutputFiles: []string{c.away.Answer},
	})
	switch status.Code(err) {
	case codes.OK:
		return r, nil
	case codes.NotFound, codes.Unimplemented:
		return nil, nil
	}
	return nil, fmt.Errorf("ask for a result: %w", err)
}

// execute has an action run, and waits until it has. What runs in vain is ended.
func (f *farm) execute(ctx context.Context, l limits, p *pulse, c *parcel) (*repb.ExecuteResponse, error) {
	w := &waiting{farm: f, pulse: p, usual: time.Duration(c.away.Usual)}
	p.expect(firstWord)
	st, err := f.server.exec.Execute(ctx, &repb.ExecuteRequest{
		InstanceName: f.server.instance, ActionDigest: c.action, DigestFunction: l.function.value(),
		InlineStderr: true, InlineOutputFiles: []string{c.away.Answer},
	})
	for try := 0; ; try++ {
		var r *repb.ExecuteResponse
		if err == nil {
			r, err = w.wait(st)
		}
		if err == nil {
			return r, statusOf(r)
		}
		if ctx.Err() != nil {
			w.end()
			return nil, err
		}
		broken := errors.Is(err, io.EOF) || status.Code(err) == codes.Unavailable
		if !broken || try == resumes || w.name == "" && try > 0 {
			return nil, fmt.Errorf("have it run: %w", err)
		}
		if w.name == "" {
			st, err = f.server.exec.Execute(ctx, &repb.ExecuteRequest{InstanceName: f.server.instance, ActionDigest: c.action, DigestFunction: l.function.value()})
			continue
		}
		st, err = f.server.exec.WaitExecution(ctx, &repb.WaitExecutionRequest{Name: w.name})
	}
}

// statusOf is the error of an action that could not be run.
func statusOf(r *repb.ExecuteResponse) error {
	err := status.ErrorProto(r.GetStatus())
	switch status.Code(err) {
	case codes.OK:
		if r.GetResult() == nil {
			return garbage("an action has run and has no result")
		}
		return nil
	case codes.DeadlineExceeded:
		return notSent("it took longer there than it may")
	}
	return fmt.Errorf("have it run: %w", err)
}

// waiting is who waits for an operation of the server.
type waiting struct {
	farm  *farm
	pulse *pulse
	usual time.Duration
	name  string // of the operation, "" before it is known
}

// wait reads what is said of the operation until it has ended.
func (w *waiting) wait(st grpc.ServerStreamingClient[longrunningpb.Operation]) (*repb.ExecuteResponse, error) {
	for {
		op, err := st.Recv()
		if err != nil {
			return nil, err
		}
		patience := unknownPatience
		if w.usual > 0 {
			patience = 3*w.usual + knownPatience
		}
		w.pulse.expect(patience)
		if w.name = op.GetName(); !op.GetDone() {
			continue
		}
		w.pulse.expect(stalled)
		if err := status.ErrorProto(op.GetError()); err != nil {
			return nil, err
		}
		r := &repb.ExecuteResponse{}
		if err := op.GetResponse().UnmarshalTo(r); err != nil {
			return nil, garbage("an operation ends with what is no answer")
		}
		return r, nil
	}
}

// end has the server stop what nobody waits for any more.
func (w *waiting) end() {
	if w.name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTime)
	defer cancel()
	_, _ = w.farm.server.operations.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: w.name}) // else it runs to its end
}

// take takes what an action has left. It has to be what the action may leave.
func (f *farm) take(ctx context.Context, l limits, p *pulse, c *parcel, r *repb.ActionResult) (*cache.Arrival, error) {
	a := &cache.Arrival{Status: int(r.GetExitCode()), Worker: r.GetExecutionMetadata().GetWorker(), Printed: f.printed(r)}
	m := r.GetExecutionMetadata()
	if from, to := m.GetExecutionStartTimestamp(), m.GetExecutionCompletedTimestamp(); from.IsValid() && to.IsValid() {
		a.Took = int64(to.AsTime().Sub(from.AsTime()))
	}
	for _, o := range r.GetOutputFiles() {
		if !slices.Contains(c.away.Outputs, o.GetPath()) || !valid(o.GetDigest()) {
			return nil, garbage("an action has left what it was not asked for")
		}
		data, h, err := f.content(ctx, l, p, o, o.GetPath() == c.away.Answer)
		if err != nil {
			return nil, err
		}
		if o.GetPath() == c.away.Answer {
			a.Answer = data
			continue
		}
		if len(data) > 0 && len(data) < cache.SmallSize && len(a.Small) < mostSmall {
			a.Small = append(a.Small, string(data))
		}
		out := cache.Output{Path: o.GetPath(), Type: regular, Hash: h, Size: o.GetDigest().GetSizeBytes(), Mode: 0o644}
		if o.GetIsExecutable() {
			out.Mode = 0o755
		}
		a.Outputs = append(a.Outputs, out)
	}
	//lint:ignore SA1019 servers of before version 2.1 put links there
	for _, o := range slices.Concat(r.GetOutputSymlinks(), r.GetOutputFileSymlinks(), r.GetOutputDirectorySymlinks()) {
		if !slices.Contains(c.away.Outputs, o.GetPath()) || o.GetTarget() == "" {
			return nil, garbage("an action has left what it was not asked for")
		}
		a.Outputs = append(a.Outputs, cache.Output{Path: o.GetPath(), Type: symlink, Link: o.GetTarget()})
	}
	return a, nil
}

// printed is the end of what an action has said on its standard error.
func (f *farm) printed(r *repb.ActionResult) string {
	const most = 4 << 10
	raw := r.GetStderrRaw()
	return string(raw[max(0, len(raw)-most):])
}

// mostSmall bounds the contents that are told with what has come back.
const mostSmall = 32

// content takes one content: as bytes if they are wanted at once, else into the store. Of a
// small one the bytes are returned, too.
func (f *farm) content(ctx context.Context, l limits, p *pulse, o *repb.OutputFile, wanted bool) ([]byte, cache.Hash, error) {
	d := o.GetDigest()
	if d.GetSizeBytes() > batched && !wanted {
		h, err := f.stream(ctx, l, p, d)
		return nil, h, err
	}
	if d.GetSizeBytes() > recordLimit {
		return nil, cache.Hash{}, garbage("an answer of %d bytes", d.GetSizeBytes())
	}
	data := o.GetContents()
	switch {
	case len(data) > 0 || d.GetSizeBytes() == 0:
		if err := l.function.check(d, data); err != nil {
			return nil, cache.Hash{}, err
		}
	case d.GetSizeBytes() > batched:
		r := f.server.download(ctx, l, d)
		defer r.Close()
		var err error
		if data, err = io.ReadAll(beating{io.NopCloser(r), p}); err != nil {
			return nil, cache.Hash{}, err
		}
		if err := l.function.check(d, data); err != nil {
			return nil, cache.Hash{}, err
		}
	default:
		got, err := f.server.read(ctx, l.function, []*repb.Digest{d})
		if err != nil {
			return nil, cache.Hash{}, err
		}
		ok := false
		if data, ok = got[d.GetHash()]; !ok {
			return nil, cache.Hash{}, status.Error(codes.NotFound, "a content is gone")
		}
		p.beat()
	}
	if wanted {
		return data, cache.Hash{}, nil
	}
	h, err := f.contents.PutBytes(data)
	if err != nil {
		return nil, h, notSent("what it has left cannot be kept: %v", err)
	}
	return data, h, nil
}

// stream takes a large content into the store.
func (f *farm) stream(ctx context.Context, l limits, p *pulse, d *repb.Digest) (cache.Hash, error) {
	r := f.server.download(ctx, l, d)
	defer r.Close()
	sum := l.function.hasher()
	h, err := f.contents.PutReader(io.TeeReader(beating{io.NopCloser(r), p}, sum), d.GetSizeBytes(), func() error {
		if got := named([32]byte(sum.Sum(nil)), d.GetSizeBytes()); got.GetHash() != d.GetHash() {
			return garbage("a content is not what its name says")
		}
		return nil
	})
	return h, err
}
