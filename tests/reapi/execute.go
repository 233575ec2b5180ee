package reapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// operation is an action that runs, or has run.
type operation struct {
	name   string
	done   chan struct{} // closed at its end
	answer *repb.ExecuteResponse
	cancel context.CancelFunc
}

// Pretend takes the place of running a command: it gets its input files by path, and returns
// what it leaves.
type Pretend func(command *repb.Command, input func(path string) []byte) map[string][]byte

// SetPretend has the server only pretend to run commands.
func (s *Server) SetPretend(p Pretend) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pretend = p
}

// Ran tells how many commands have run, and how many were cancelled.
func (s *Server) Ran() (ran, cancelled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ran, s.cancelled
}

// worker is what the server calls its only machine.
const worker = "test-worker"

// Execute implements the API.
func (s *Server) Execute(req *repb.ExecuteRequest, st grpc.ServerStreamingServer[longrunningpb.Operation]) error {
	q := s.quirksNow()
	if q.NoExec {
		return status.Error(codes.Unimplemented, "it runs nothing")
	}
	if r := s.resultOf(req.GetActionDigest()); r != nil && !req.GetSkipCacheLookup() {
		return send(st, "", &repb.ExecuteResponse{Result: r, CachedResult: true})
	}
	action, command := &repb.Action{}, &repb.Command{}
	if err := s.message(req.GetActionDigest(), action); err != nil {
		return err
	}
	if err := s.message(action.GetCommandDigest(), command); err != nil {
		return err
	}
	if err := s.complete(action.GetInputRootDigest()); err != nil {
		return err
	}
	s.mu.Lock()
	if s.quirks.Drops { // once
		s.quirks.Drops = false
		clear(s.blobs)
		s.mu.Unlock()
		return status.Error(codes.FailedPrecondition, "some contents are missing")
	}
	ctx, cancel := context.WithCancel(context.Background())
	op := &operation{name: fmt.Sprintf("operations/%d", len(s.operations)), done: make(chan struct{}), cancel: cancel}
	s.operations[op.name] = op
	s.mu.Unlock()
	go func() {
		defer close(op.done)
		defer cancel()
		op.answer = s.execute(ctx, req, action, command)
	}()
	return s.follow(op, st)
}

// WaitExecution implements the API.
func (s *Server) WaitExecution(req *repb.WaitExecutionRequest, st grpc.ServerStreamingServer[longrunningpb.Operation]) error {
	s.mu.Lock()
	op := s.operations[req.GetName()]
	s.mu.Unlock()
	if op == nil {
		return status.Error(codes.NotFound, "no such operation")
	}
	return s.follow(op, st)
}

// CancelOperation implements the API of operations.
func (s *Server) CancelOperation(_ context.Context, req *longrunningpb.CancelOperationRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	op := s.operations[req.GetName()]
	if op != nil {
		s.cancelled++
	}
	s.mu.Unlock()
	if op == nil {
		return nil, status.Error(codes.NotFound, "no such operation")
	}
	op.cancel()
	return &emptypb.Empty{}, nil
}

// follow tells how an operation goes, to its end.
func (s *Server) follow(op *operation, st grpc.ServerStreamingServer[longrunningpb.Operation]) error {
	q := s.quirksNow()
	if !q.Mute {
		meta, err := anypb.New(&repb.ExecuteOperationMetadata{Stage: repb.ExecutionStage_EXECUTING})
		if err != nil {
			return err
		}
		if err := st.Send(&longrunningpb.Operation{Name: op.name, Metadata: meta}); err != nil {
			return err
		}
	}
	if _, breaks := s.breaks(op.name); breaks {
		return status.Error(codes.Unavailable, "the wire is cut")
	}
	select {
	case <-st.Context().Done():
		return status.FromContextError(st.Context().Err()).Err()
	case <-op.done:
	}
	if q.Garbage {
		wrong, err := anypb.New(&repb.Digest{Hash: "nonsense"})
		if err != nil {
			return err
		}
		return st.Send(&longrunningpb.Operation{Name: op.name, Done: true, Result: &longrunningpb.Operation_Response{Response: wrong}})
	}
	return send(st, op.name, op.answer)
}

// send says that an operation has ended.
func send(st grpc.ServerStreamingServer[longrunningpb.Operation], name string, r *repb.ExecuteResponse) error {
	answer, err := anypb.New(r)
	if err != nil {
		return err
	}
	return st.Send(&longrunningpb.Operation{Name: name, Done: true, Result: &longrunningpb.Operation_Response{Response: answer}})
}

func (s *Server) quirksNow() Quirks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quirks
}

// resultOf returns a copy of what is known of an action.
func (s *Server) resultOf(d *repb.Digest) *repb.ActionResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.results[d.GetHash()]; r != nil {
		return proto.Clone(r).(*repb.ActionResult)
	}
	return nil
}

// message reads a message that is a content.
func (s *Server) message(d *repb.Digest, m proto.Message) error {
	data, ok := s.blob(d)
	if !ok {
		return status.Errorf(codes.FailedPrecondition, "content %s is missing", d.GetHash())
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	return nil
}

// complete tells whether all of a tree is here.
func (s *Server) complete(d *repb.Digest) error {
	dir := &repb.Directory{}
	if err := s.message(d, dir); err != nil {
		return err
	}
	for _, f := range dir.GetFiles() {
		if _, ok := s.blob(f.GetDigest()); !ok {
			return status.Errorf(codes.FailedPrecondition, "file %s is missing", f.GetName())
		}
	}
	for _, sub := range dir.GetDirectories() {
		if err := s.complete(sub.GetDigest()); err != nil {
			return err
		}
	}
	return nil
}

// execute runs an action when there is a slot for it, and keeps a good result.
func (s *Server) execute(ctx context.Context, req *repb.ExecuteRequest, action *repb.Action, command *repb.Command) *repb.ExecuteResponse {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return failure(codes.Canceled, "cancelled")
	}
	q := s.quirksNow()
	switch {
	case q.Stuck:
		<-ctx.Done()
		return failure(codes.Canceled, "cancelled")
	case q.Fails:
		return failure(codes.Internal, "the worker has lost its head")
	case q.TooLate:
		return failure(codes.DeadlineExceeded, "it took too long")
	}
	begun := time.Now()
	r, err := s.run(ctx, req.GetDigestFunction(), action, command, q)
	if err != nil {
		return failure(codes.Internal, err.Error())
	}
	r.ExecutionMetadata = &repb.ExecutedActionMetadata{
		Worker: worker, ExecutionStartTimestamp: timestamppb.New(begun), ExecutionCompletedTimestamp: timestamppb.Now(),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran++
	if r.GetExitCode() == 0 && !action.GetDoNotCache() {
		s.results[req.GetActionDigest().GetHash()] = proto.Clone(r).(*repb.ActionResult)
	}
	if q.Inline {
		for _, f := range r.GetOutputFiles() {
			f.Contents = s.blobs[f.GetDigest().GetHash()]
		}
	}
	return &repb.ExecuteResponse{Result: r}
}

func failure(code codes.Code, text string) *repb.ExecuteResponse {
	return &repb.ExecuteResponse{Status: status.New(code, text).Proto()}
}

// run runs a command in a fresh directory, or pretends to.
func (s *Server) run(ctx context.Context, f repb.DigestFunction_Value, action *repb.Action, command *repb.Command, q Quirks) (*repb.ActionResult, error) {
	s.mu.Lock()
	pretend := s.pretend
	s.mu.Unlock()
	if pretend != nil {
		time.Sleep(pretended)
		r := &repb.ActionResult{}
		left := pretend(command, func(path string) []byte { return s.fileIn(action.GetInputRootDigest(), path) })
		for _, path := range command.GetOutputPaths() {
			if data, ok := left[path]; ok {
				r.OutputFiles = append(r.OutputFiles, &repb.OutputFile{Path: path, Digest: s.store(f, data)})
			}
		}
		return r, nil
	}
	root, err := os.MkdirTemp("", "reapi-worker")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := s.lay(action.GetInputRootDigest(), root); err != nil {
		return nil, err
	}
	limit := action.GetTimeout().AsDuration()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.start(ctx, f, command, root, q)
}

// pretended is how long a command takes that does not run.
const pretended = 50 * time.Millisecond

// start runs a command in its tree.
func (s *Server) start(ctx context.Context, f repb.DigestFunction_Value, command *repb.Command, root string, q Quirks) (*repb.ActionResult, error) {
	dir := filepath.Join(root, command.GetWorkingDirectory())
	for _, p := range command.GetOutputPaths() {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, p)), 0o755); err != nil {
			return nil, err
		}
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, command.GetArguments()[0], command.GetArguments()[1:]...)
	cmd.Path = filepath.Join(dir, command.GetArguments()[0])
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errs, []string{}
	for _, v := range command.GetEnvironmentVariables() {
		cmd.Env = append(cmd.Env, v.GetName()+"="+v.GetValue())
	}
	r := &repb.ActionResult{}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.ExitCode = int32(exit.ExitCode())
	case err != nil:
		return nil, err
	}
	r.StdoutRaw, r.StderrRaw = out.Bytes(), errs.Bytes()
	if q.Sick {
		r.ExitCode = 1
	}
	for _, p := range command.GetOutputPaths() {
		if err := s.collect(f, r, dir, p); err != nil {
			return nil, err
		}
	}
	if q.Extra {
		r.OutputFiles = append(r.OutputFiles, &repb.OutputFile{Path: "../../etc/passwd", Digest: s.store(f, []byte("mine"))})
	}
	return r, nil
}
