package remote

import (
	"context"
	"fmt"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// overhead is what a content in a batch needs besides itself.
	overhead = 256
	// mostNames bounds the names in one question.
	mostNames = 10_000
)

// batches cuts a list into pieces of at most limit bytes and mostNames elements; one that
// is larger by itself is a piece.
func batches[T any](list []T, limit int64, size func(T) int64) [][]T {
	var out [][]T
	begin, sum := 0, int64(0)
	for i := range list {
		n := size(list[i]) + overhead
		if i > begin && (sum+n > limit || i-begin >= mostNames) {
			out = append(out, list[begin:i])
			begin, sum = i, 0
		}
		sum += n
	}
	if begin < len(list) {
		out = append(out, list[begin:])
	}
	return out
}

// missing returns which of some contents the server does not have.
func (s *server) missing(ctx context.Context, f function, list []*repb.Digest) (map[string]bool, error) {
	lacks := make(map[string]bool)
	for _, part := range batches(list, batchLimit, func(*repb.Digest) int64 { return 0 }) {
		r, err := s.cas.FindMissingBlobs(ctx, &repb.FindMissingBlobsRequest{InstanceName: s.instance, BlobDigests: part, DigestFunction: f.value()})
		if err != nil {
			return nil, fmt.Errorf("ask what is missing: %w", err)
		}
		for _, d := range r.GetMissingBlobDigests() {
			lacks[d.GetHash()] = true
		}
	}
	return lacks, nil
}

// update gives contents to the server, in one message.
func (s *server) update(ctx context.Context, f function, blobs []*blob) error {
	req := &repb.BatchUpdateBlobsRequest{InstanceName: s.instance, DigestFunction: f.value()}
	for _, b := range blobs {
		data, err := b.bytes()
		if err != nil {
			return err
		}
		req.Requests = append(req.Requests, &repb.BatchUpdateBlobsRequest_Request{Digest: b.digest, Data: data})
	}
	r, err := s.cas.BatchUpdateBlobs(ctx, req)
	if err != nil {
		return fmt.Errorf("give contents: %w", err)
	}
	if len(r.GetResponses()) != len(blobs) {
		return garbage("%d contents were given, and it speaks of %d", len(blobs), len(r.GetResponses()))
	}
	for _, one := range r.GetResponses() {
		if err := status.ErrorProto(one.GetStatus()); err != nil {
			return fmt.Errorf("give a content: %w", err)
		}
	}
	return nil
}

// read takes contents from the server, in one message. What it does not have is not among
// those that are returned, by their hash; those are what their names say.
func (s *server) read(ctx context.Context, f function, list []*repb.Digest) (map[string][]byte, error) {
	r, err := s.cas.BatchReadBlobs(ctx, &repb.BatchReadBlobsRequest{InstanceName: s.instance, Digests: list, DigestFunction: f.value()})
	if err != nil {
		return nil, fmt.Errorf("take contents: %w", err)
	}
	wanted := make(map[string]*repb.Digest, len(list))
	for _, d := range list {
		wanted[d.GetHash()] = d
	}
	got := make(map[string][]byte, len(list))
	for _, one := range r.GetResponses() {
		if code := codes.Code(one.GetStatus().GetCode()); code != codes.OK {
			if code == codes.NotFound {
				continue
			}
			return nil, fmt.Errorf("take a content: %w", status.ErrorProto(one.GetStatus()))
		}
		d := wanted[one.GetDigest().GetHash()]
		if d == nil || one.GetCompressor() != repb.Compressor_IDENTITY {
			return nil, garbage("it gives a content that was not asked for")
		}
		if err := f.check(d, one.GetData()); err != nil {
			return nil, err
		}
		got[d.GetHash()] = one.GetData()
	}
	return got, nil
}
