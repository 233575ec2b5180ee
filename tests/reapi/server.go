package reapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/bazelbuild/remote-apis/build/bazel/semver"
	"github.com/zeebo/blake3"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Server is a running server.
type Server struct {
	repb.UnimplementedCapabilitiesServer
	repb.UnimplementedContentAddressableStorageServer
	repb.UnimplementedActionCacheServer
	bytestream.UnimplementedByteStreamServer
	repb.UnimplementedExecutionServer
	longrunningpb.UnimplementedOperationsServer

	grpc *grpc.Server
	addr string

	mu       sync.Mutex
	quirks   Quirks
	token    string            // what must be in "authorization", "" for nothing
	blobs    map[string][]byte // by hash
	results  map[string]*repb.ActionResult
	calls    map[string]int // by method
	partial  map[string][]byte
	broken   map[string]bool // streams that have broken off
	instance string          // of the last call
	header   metadata.MD     // likewise

	slots      chan struct{} // of the worker
	operations map[string]*operation
	pretend    Pretend // nil: commands run
	ran        int
	cancelled  int
}

// Start starts a server on a free port of this machine, or on a given one. tls may be nil.
func Start(addr string, q Quirks, tls credentials.TransportCredentials) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		addr: l.Addr().String(), quirks: q,
		blobs: make(map[string][]byte), results: make(map[string]*repb.ActionResult), calls: make(map[string]int),
		partial: make(map[string][]byte), broken: make(map[string]bool),
		slots: make(chan struct{}, workerSlots), operations: make(map[string]*operation),
	}
	empty := sha256.Sum256(nil)
	s.blobs[hex.EncodeToString(empty[:])] = nil
	opts := []grpc.ServerOption{grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream)} // messages are limited to 4 MiB by default
	if tls != nil {
		opts = append(opts, grpc.Creds(tls))
	}
	s.grpc = grpc.NewServer(opts...)
	repb.RegisterCapabilitiesServer(s.grpc, s)
	repb.RegisterContentAddressableStorageServer(s.grpc, s)
	repb.RegisterActionCacheServer(s.grpc, s)
	bytestream.RegisterByteStreamServer(s.grpc, s)
	repb.RegisterExecutionServer(s.grpc, s)
	longrunningpb.RegisterOperationsServer(s.grpc, s)
	go s.grpc.Serve(l)
	return s, nil
}

// workerSlots is how many commands run at a time.
const workerSlots = 64

// Addr is HOST:PORT.
func (s *Server) Addr() string { return s.addr }

// Stop ends the server at once.
func (s *Server) Stop() { s.grpc.Stop() }

// SetQuirks changes how the server is.
func (s *Server) SetQuirks(q Quirks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quirks = q
}

// Demand makes the server let only those in who send this as "authorization".
func (s *Server) Demand(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

// Calls tells how often each method was called, and forgets it.
func (s *Server) Calls() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = make(map[string]int)
	return calls
}

// Results counts the entries of the action cache.
func (s *Server) Results() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.results)
}

// Last returns the instance name and the header of the last call.
func (s *Server) Last() (instance string, header metadata.MD) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instance, s.header
}

// begin is what every call begins with.
func (s *Server) begin(ctx context.Context, method string) (Quirks, error) {
	method = method[strings.LastIndexByte(method, '/')+1:]
	s.mu.Lock()
	q, token := s.quirks, s.token
	s.calls[method]++
	s.header, _ = metadata.FromIncomingContext(ctx)
	sent := s.header.Get("authorization")
	s.mu.Unlock()
	switch {
	case q.Hang, q.HangReads && (method == "BatchReadBlobs" || method == "Read"):
		<-ctx.Done()
		return q, status.FromContextError(ctx.Err()).Err()
	case q.Closed, token != "" && !slices.Equal(sent, []string{token}):
		text := "who are you? " + strings.Join(sent, " ")
		if q.Long {
			text = "\x1b[31mno\nno\n" + strings.Repeat(text, 1000)
		}
		return q, status.Error(codes.Unauthenticated, text)
	}
	return q, nil
}

// rate is what a slow server gives and takes in a second.
const rate = 10 << 10

// dawdle takes as long as a slow server takes for some bytes.
func dawdle(ctx context.Context, q Quirks, n int) {
	if !q.Slow {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(n) * time.Second / rate):
	}
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	q, err := s.begin(ctx, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if r, ok := req.(interface{ GetInstanceName() string }); ok {
		s.mu.Lock()
		s.instance = r.GetInstanceName()
		s.mu.Unlock()
	}
	dawdle(ctx, q, proto.Size(req.(proto.Message)))
	answer, err := handle(ctx, req)
	if err != nil {
		return nil, err
	}
	if q.Garbage {
		answer = nonsense(answer.(proto.Message))
	}
	dawdle(ctx, q, proto.Size(answer.(proto.Message)))
	return answer, nil
}

func (s *Server) stream(srv any, st grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if _, err := s.begin(st.Context(), info.FullMethod); err != nil {
		return err
	}
	return handle(srv, st)
}

// GetCapabilities implements the API.
func (s *Server) GetCapabilities(context.Context, *repb.GetCapabilitiesRequest) (*repb.ServerCapabilities, error) {
	s.mu.Lock()
	q := s.quirks
	s.mu.Unlock()
	if q.NoCaps {
		return nil, status.Error(codes.Unimplemented, "what?")
	}
	c := &repb.CacheCapabilities{
		DigestFunctions:               []repb.DigestFunction_Value{repb.DigestFunction_SHA256},
		ActionCacheUpdateCapabilities: &repb.ActionCacheUpdateCapabilities{UpdateEnabled: !q.ReadOnly},
		// No limit, it says; and yet it refuses messages above 4 MiB.
	}
	if q.BLAKE3 {
		c.DigestFunctions = append(c.DigestFunctions, repb.DigestFunction_BLAKE3)
	}
	if q.Zstd {
		c.SupportedCompressors = []repb.Compressor_Value{repb.Compressor_ZSTD}
	}
	if q.SmallCAS {
		c.MaxCasBlobSizeBytes = 1 << 20
	}
	return &repb.ServerCapabilities{
		ExecutionCapabilities: &repb.ExecutionCapabilities{
			ExecEnabled: !q.NoExec, DigestFunction: repb.DigestFunction_SHA256, DigestFunctions: c.GetDigestFunctions(),
		},
		CacheCapabilities: c, LowApiVersion: &semver.SemVer{Major: 2}, HighApiVersion: &semver.SemVer{Major: 2, Minor: 3},
	}, nil
}

// sum hashes a content as a name does.
func sum(f repb.DigestFunction_Value, data []byte) string {
	var h [32]byte
	if f == repb.DigestFunction_BLAKE3 {
		h = blake3.Sum256(data)
	} else {
		h = sha256.Sum256(data)
	}
	return hex.EncodeToString(h[:])
}

// blob returns a content as the server gives it now.
func (s *Server) blob(d *repb.Digest) (data []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quirks.Forgets {
		return nil, false
	}
	if data, ok = s.blobs[d.GetHash()]; ok && s.quirks.Lies && len(data) > 0 {
		data = slices.Clone(data)
		data[len(data)/2] ^= 1
	}
	return data, ok
}

// keep enters a content, if it is what its name says and there is room.
func (s *Server) keep(f repb.DigestFunction_Value, d *repb.Digest, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.quirks.Full:
		return status.Error(codes.ResourceExhausted, "the disk is full")
	case s.quirks.SmallCAS && len(data) > 1<<20:
		return status.Error(codes.InvalidArgument, "too large")
	case sum(f, data) != d.GetHash() || int64(len(data)) != d.GetSizeBytes():
		return status.Error(codes.InvalidArgument, "a content is not what its digest says")
	}
	s.blobs[d.GetHash()] = data
	return nil
}
