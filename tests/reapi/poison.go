package reapi

import (
	"maps"
	"math/rand/v2"
	"slices"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/protobuf/proto"
)

// nonsense returns an answer of the same kind that cannot be right.
func nonsense(m proto.Message) proto.Message {
	bad := &repb.Digest{Hash: "nonsense", SizeBytes: -1}
	switch m.(type) {
	case *repb.ServerCapabilities:
		return &repb.ServerCapabilities{}
	case *repb.ActionResult:
		return &repb.ActionResult{OutputFiles: []*repb.OutputFile{{Path: "../nonsense", Digest: bad}}}
	case *repb.FindMissingBlobsResponse:
		return &repb.FindMissingBlobsResponse{MissingBlobDigests: []*repb.Digest{bad, nil}}
	case *repb.BatchReadBlobsResponse:
		return &repb.BatchReadBlobsResponse{Responses: []*repb.BatchReadBlobsResponse_Response{{Digest: bad, Data: []byte("nonsense")}, nil}}
	case *repb.BatchUpdateBlobsResponse:
		return &repb.BatchUpdateBlobsResponse{}
	}
	return m
}

// Snapshot is what a server holds.
type Snapshot struct {
	blobs   map[string][]byte
	results map[string]*repb.ActionResult
}

// Snapshot returns what the server holds.
func (s *Server) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Snapshot{maps.Clone(s.blobs), maps.Clone(s.results)}
}

// Restore makes the server hold what it held.
func (s *Server) Restore(old Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs, s.results = maps.Clone(old.blobs), maps.Clone(old.results)
}

// Poisons are the ways in which Poison damages what a server holds.
func Poisons() []string {
	return []string{
		"bits of a content", "end of a content", "content for another", "content lost",
		"bits of a result", "result for another", "digest for another", "file lost",
	}
}

// Poison damages one thing that the server holds, in one of the ways. It changes nothing if
// there is nothing of the kind.
func (s *Server) Poison(way string, r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	blob := func() string { return pick(r, s.blobs) }
	result := func() string { return pick(r, s.results) }
	switch way {
	case "bits of a content":
		k := blob()
		s.blobs[k] = flipped(r, s.blobs[k])
	case "end of a content":
		k := blob()
		s.blobs[k] = s.blobs[k][:r.IntN(len(s.blobs[k])+1)]
	case "content for another":
		s.blobs[blob()] = s.blobs[blob()]
	case "content lost":
		delete(s.blobs, blob())
	case "bits of a result":
		k := result()
		data, _ := proto.Marshal(s.results[k])
		m := &repb.ActionResult{}
		if proto.Unmarshal(flipped(r, data), m) == nil {
			s.results[k] = m
		}
	case "result for another":
		s.results[result()] = s.results[result()]
	case "digest for another":
		m := proto.Clone(s.results[result()]).(*repb.ActionResult)
		k := result()
		to := proto.Clone(s.results[k]).(*repb.ActionResult)
		if len(to.OutputFiles) == 0 || len(m.OutputFiles) == 0 {
			return
		}
		to.OutputFiles[r.IntN(len(to.OutputFiles))].Digest = m.OutputFiles[r.IntN(len(m.OutputFiles))].Digest
		s.results[k] = to
	case "file lost":
		k := result()
		to := proto.Clone(s.results[k]).(*repb.ActionResult)
		if len(to.OutputFiles) == 0 {
			return
		}
		i := r.IntN(len(to.OutputFiles))
		to.OutputFiles = slices.Delete(to.OutputFiles, i, i+1)
		s.results[k] = to
	default:
		panic("no such way: " + way)
	}
}

func pick[V any](r *rand.Rand, m map[string]V) string {
	keys := slices.Sorted(maps.Keys(m))
	return keys[r.IntN(len(keys))]
}

func flipped(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + r.IntN(4) {
		if len(data) > 0 {
			data[r.IntN(len(data))] ^= 1 << r.IntN(8)
		}
	}
	return data
}
