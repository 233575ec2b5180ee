package reapi

import (
	"context"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// FindMissingBlobs implements the API.
func (s *Server) FindMissingBlobs(_ context.Context, req *repb.FindMissingBlobsRequest) (*repb.FindMissingBlobsResponse, error) {
	r := &repb.FindMissingBlobsResponse{}
	for _, d := range req.GetBlobDigests() {
		if _, ok := s.blob(d); !ok {
			r.MissingBlobDigests = append(r.MissingBlobDigests, d)
		}
	}
	return r, nil
}

// BatchUpdateBlobs implements the API.
func (s *Server) BatchUpdateBlobs(_ context.Context, req *repb.BatchUpdateBlobsRequest) (*repb.BatchUpdateBlobsResponse, error) {
	r := &repb.BatchUpdateBlobsResponse{}
	for _, one := range req.GetRequests() {
		err := s.keep(req.GetDigestFunction(), one.GetDigest(), one.GetData())
		r.Responses = append(r.Responses, &repb.BatchUpdateBlobsResponse_Response{Digest: one.GetDigest(), Status: status.Convert(err).Proto()})
	}
	return r, nil
}

// BatchReadBlobs implements the API.
func (s *Server) BatchReadBlobs(_ context.Context, req *repb.BatchReadBlobsRequest) (*repb.BatchReadBlobsResponse, error) {
	r := &repb.BatchReadBlobsResponse{}
	for _, d := range req.GetDigests() {
		data, ok := s.blob(d)
		st := status.New(codes.OK, "")
		if !ok {
			st = status.New(codes.NotFound, "no such content")
		}
		r.Responses = append(r.Responses, &repb.BatchReadBlobsResponse_Response{Digest: d, Data: data, Status: st.Proto()})
	}
	return r, nil
}

// GetActionResult implements the API.
func (s *Server) GetActionResult(_ context.Context, req *repb.GetActionResultRequest) (*repb.ActionResult, error) {
	s.mu.Lock()
	q := s.quirks
	r := s.results[req.GetActionDigest().GetHash()]
	if r != nil && q.Swaps {
		for other, o := range s.results {
			if other != req.GetActionDigest().GetHash() {
				r = o
				break
			}
		}
	}
	s.mu.Unlock()
	if r == nil {
		return nil, status.Error(codes.NotFound, "no such result")
	}
	r = proto.Clone(r).(*repb.ActionResult)
	for _, f := range r.GetOutputFiles() {
		data, ok := s.blob(f.GetDigest())
		switch {
		case !ok && q.Checks:
			return nil, status.Error(codes.NotFound, "a content of the result is gone")
		case ok && q.Inline && len(data) < 64<<10:
			f.Contents = data
		}
	}
	return r, nil
}

// UpdateActionResult implements the API.
func (s *Server) UpdateActionResult(_ context.Context, req *repb.UpdateActionResultRequest) (*repb.ActionResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quirks.ReadOnly {
		return nil, status.Error(codes.PermissionDenied, "read only")
	}
	s.results[req.GetActionDigest().GetHash()] = proto.Clone(req.GetActionResult()).(*repb.ActionResult)
	return req.GetActionResult(), nil
}
