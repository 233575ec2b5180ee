package reapi

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// resource is what the name of a stream says.
type resource struct {
	digest   *repb.Digest
	function repb.DigestFunction_Value
	zstd     bool
}

// parseResource reads {instance/}[uploads/uuid/](blobs|compressed-blobs/zstd)/[blake3/]hash/size.
func parseResource(name string) (resource, error) {
	wrong := status.Error(codes.InvalidArgument, "malformed name "+strconv.Quote(name))
	r := resource{function: repb.DigestFunction_SHA256}
	_, rest, ok := strings.Cut("/"+name, "/compressed-blobs/zstd/")
	if ok {
		r.zstd = true
	} else if _, rest, ok = strings.Cut("/"+name, "/blobs/"); !ok {
		return r, wrong
	}
	if cut, ok := strings.CutPrefix(rest, "blake3/"); ok {
		rest, r.function = cut, repb.DigestFunction_BLAKE3
	}
	hash, size, ok := strings.Cut(rest, "/")
	n, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || len(hash) != 64 {
		return r, wrong
	}
	r.digest = &repb.Digest{Hash: hash, SizeBytes: n}
	return r, nil
}

const piece = 64 << 10

// Read implements the API.
func (s *Server) Read(req *bytestream.ReadRequest, st bytestream.ByteStream_ReadServer) error {
	r, err := parseResource(req.GetResourceName())
	if err != nil {
		return err
	}
	data, ok := s.blob(r.digest)
	if !ok {
		return status.Error(codes.NotFound, "no such content")
	}
	if req.GetReadOffset() < 0 || req.GetReadOffset() > int64(len(data)) {
		return status.Error(codes.OutOfRange, "beyond the end")
	}
	data = data[req.GetReadOffset():]
	if r.zstd {
		z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return err
		}
		defer z.Close()
		data = z.EncodeAll(data, nil)
	}
	q, breaks := s.breaks(req.GetResourceName())
	for i := 0; len(data) > 0; i++ {
		if breaks && i > 0 {
			return status.Error(codes.Unavailable, "the wire is cut")
		}
		n := min(piece, len(data))
		if q.Slow {
			n = min(n, 1<<10)
		}
		part := data[:n]
		if q.Garbage {
			part = []byte("nonsense")
		}
		dawdle(st.Context(), q, n)
		if err := st.Send(&bytestream.ReadResponse{Data: part}); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// breaks tells whether a stream breaks off now: each does once.
func (s *Server) breaks(name string) (Quirks, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.quirks.Breaks && !s.broken[name]
	s.broken[name] = true
	return s.quirks, first
}

// Write implements the API.
func (s *Server) Write(st bytestream.ByteStream_WriteServer) error {
	var name string
	var r resource
	var data []byte
	var q Quirks
	breaks := false
	for i := 0; ; i++ {
		m, err := st.Recv()
		if errors.Is(err, io.EOF) {
			return status.Error(codes.InvalidArgument, "a stream without an end")
		}
		if err != nil {
			return err
		}
		if i == 0 {
			name = m.GetResourceName()
			if r, err = parseResource(name); err != nil {
				return err
			}
			q, breaks = s.breaks("to " + r.digest.GetHash())
			s.mu.Lock()
			data = s.partial[name]
			s.mu.Unlock()
		}
		dawdle(st.Context(), q, len(m.GetData()))
		if m.GetWriteOffset() != int64(len(data)) {
			return status.Errorf(codes.InvalidArgument, "a stream continues at %d, not at %d", m.GetWriteOffset(), len(data))
		}
		data = append(data, m.GetData()...)
		if breaks && i > 0 {
			s.mu.Lock()
			s.partial[name] = data
			s.mu.Unlock()
			return status.Error(codes.Unavailable, "the wire is cut")
		}
		if !m.GetFinishWrite() {
			continue
		}
		if err := s.finish(r, data); err != nil {
			return err
		}
		size := int64(len(data))
		if q.Garbage {
			size = 7
		}
		return st.SendAndClose(&bytestream.WriteResponse{CommittedSize: size})
	}
}

// finish keeps what came in a stream.
func (s *Server) finish(r resource, data []byte) error {
	if r.zstd {
		z, err := zstd.NewReader(nil)
		if err != nil {
			return err
		}
		defer z.Close()
		if data, err = z.DecodeAll(data, nil); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
	return s.keep(r.function, r.digest, data)
}

// QueryWriteStatus implements the API.
func (s *Server) QueryWriteStatus(_ context.Context, req *bytestream.QueryWriteStatusRequest) (*bytestream.QueryWriteStatusResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.partial[req.GetResourceName()]
	if !ok {
		return nil, status.Error(codes.NotFound, "no such stream")
	}
	return &bytestream.QueryWriteStatusResponse{CommittedSize: int64(len(data))}, nil
}
