package reapi

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

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

// damage is one way to damage what a server holds.
type damage func(s *Server, r *rand.Rand)

// ways are all of them. A content is anything that is named by a digest: files, directories,
// commands, actions, and what clients keep; a result is an entry of the action cache.
func ways() map[string]damage {
	return map[string]damage{
		"bits of a content": func(s *Server, r *rand.Rand) { s.change(r, func(b []byte) []byte { return flipped(r, b) }) },
		"end of a content":  func(s *Server, r *rand.Rand) { s.change(r, func(b []byte) []byte { return b[:r.IntN(len(b)+1)] }) },
		"more of a content": func(s *Server, r *rand.Rand) {
			s.change(r, func(b []byte) []byte { return append(slices.Clone(b), b...) })
		},
		"zeros in a content": func(s *Server, r *rand.Rand) {
			s.change(r, func(b []byte) []byte { return make([]byte, len(b)) })
		},
		"content for another": func(s *Server, r *rand.Rand) { s.blobs[s.someBlob(r)] = s.blobs[s.someBlob(r)] },
		"contents exchanged": func(s *Server, r *rand.Rand) {
			a, b := s.someBlob(r), s.someBlob(r)
			s.blobs[a], s.blobs[b] = s.blobs[b], s.blobs[a]
		},
		"content lost": func(s *Server, r *rand.Rand) { delete(s.blobs, s.someBlob(r)) },

		"bits of a result":   bitsOfResult,
		"result of nothing":  func(s *Server, r *rand.Rand) { s.results[pick(r, s.results)] = &repb.ActionResult{} },
		"result for another": func(s *Server, r *rand.Rand) { s.results[pick(r, s.results)] = s.results[pick(r, s.results)] },
		"results exchanged": func(s *Server, r *rand.Rand) {
			a, b := pick(r, s.results), pick(r, s.results)
			s.results[a], s.results[b] = s.results[b], s.results[a]
		},
		"result of its like": func(s *Server, r *rand.Rand) {
			key := pick(r, s.results)
			if like := s.alike(key); len(like) > 0 {
				s.results[key] = s.results[like[r.IntN(len(like))]]
			}
		},
		"result lost": func(s *Server, r *rand.Rand) { delete(s.results, pick(r, s.results)) },
		Harmless:      stateOfResult,

		"digest for another": inFiles(func(r *rand.Rand, s *Server, _ *repb.ActionResult, f *repb.OutputFile) {
			if others := s.results[pick(r, s.results)].GetOutputFiles(); len(others) > 0 {
				f.Digest = others[r.IntN(len(others))].GetDigest()
			}
		}),
		"digest of nothing": inFiles(func(r *rand.Rand, _ *Server, _ *repb.ActionResult, f *repb.OutputFile) {
			hash := f.GetDigest().GetHash()
			f.Digest.Hash = []string{
				"", "nonsense", strings.ToUpper(hash), hash + hash, strings.Repeat("0", len(hash)), "../" + hash, string(flipped(r, []byte(hash))),
			}[r.IntN(7)]
		}),
		"size of a file": inFiles(func(r *rand.Rand, _ *Server, _ *repb.ActionResult, f *repb.OutputFile) {
			n := f.GetDigest().GetSizeBytes()
			f.Digest.SizeBytes = []int64{0, -1, n + 1, n - 1, n * 1000, 1 << 62}[r.IntN(6)]
		}),
		"name of a file": inFiles(func(r *rand.Rand, _ *Server, in *repb.ActionResult, f *repb.OutputFile) {
			other := in.OutputFiles[r.IntN(len(in.OutputFiles))]
			switch r.IntN(3) {
			case 0:
				f.Path = []string{"", "/", "../" + f.GetPath(), "/etc/passwd", f.GetPath() + "x", "./" + f.GetPath()}[r.IntN(6)]
			case 1:
				f.Path = other.GetPath() // it is there twice
			default:
				f.Path, other.Path = other.GetPath(), f.GetPath()
			}
		}),
		"content in a result": inFiles(func(r *rand.Rand, s *Server, _ *repb.ActionResult, f *repb.OutputFile) {
			f.Contents = [][]byte{flipped(r, s.blobs[f.GetDigest().GetHash()]), s.blobs[s.someBlob(r)]}[r.IntN(2)]
		}),
		"file lost": inFiles(func(_ *rand.Rand, _ *Server, in *repb.ActionResult, f *repb.OutputFile) {
			i := slices.Index(in.OutputFiles, f)
			in.OutputFiles = slices.Delete(in.OutputFiles, i, i+1)
		}),
	}
}

// Harmless is the way in which nothing is damaged that a remote cache is for: what a result
// says besides its files.
const Harmless = "state of a result"

// Poisons are the ways in which Poison damages what a server holds.
func Poisons() []string { return slices.Sorted(maps.Keys(ways())) }

// Poison damages one thing that the server holds, in one of the ways. It changes nothing if
// there is nothing of the kind.
func (s *Server) Poison(way string, r *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do := ways()[way]
	if do == nil {
		panic("no such way: " + way)
	}
	if len(s.results) > 0 && len(s.blobs) > 0 {
		do(s, r)
	}
}

// change changes one content.
func (s *Server) change(r *rand.Rand, how func([]byte) []byte) {
	k := s.someBlob(r)
	s.blobs[k] = how(s.blobs[k])
}

// inFiles changes one file of one result.
func inFiles(how func(r *rand.Rand, s *Server, in *repb.ActionResult, f *repb.OutputFile)) damage {
	return func(s *Server, r *rand.Rand) {
		k := pick(r, s.results)
		in := proto.Clone(s.results[k]).(*repb.ActionResult)
		if n := len(in.OutputFiles); n > 0 {
			f := in.OutputFiles[r.IntN(n)]
			if f.Digest == nil {
				f.Digest = &repb.Digest{}
			}
			how(r, s, in, f)
		}
		s.results[k] = in
	}
}

func bitsOfResult(s *Server, r *rand.Rand) {
	k := pick(r, s.results)
	data, err := proto.Marshal(s.results[k])
	if err != nil {
		return // it holds what cannot be said
	}
	m := &repb.ActionResult{}
	if proto.Unmarshal(flipped(r, data), m) == nil {
		s.results[k] = m
	}
}

// stateOfResult changes what a result says besides its files.
func stateOfResult(s *Server, r *rand.Rand) {
	k := pick(r, s.results)
	m := proto.Clone(s.results[k]).(*repb.ActionResult)
	switch r.IntN(5) {
	case 0:
		m.ExitCode = int32(r.IntN(3) - 1)
	case 1:
		m.StdoutRaw, m.StderrRaw = []byte("not printed\n"), []byte("not said\n")
	case 2:
		for _, f := range m.OutputFiles {
			f.IsExecutable = !f.IsExecutable
		}
	case 3:
		m.OutputSymlinks = append(m.OutputSymlinks, &repb.OutputSymlink{Path: "link", Target: "/etc/passwd"})
		for _, f := range m.OutputFiles {
			m.OutputSymlinks = append(m.OutputSymlinks, &repb.OutputSymlink{Path: f.GetPath(), Target: "elsewhere"})
		}
	default:
		m.OutputDirectories = append(m.OutputDirectories, &repb.OutputDirectory{Path: "dir", TreeDigest: &repb.Digest{Hash: s.someBlob(r)}})
	}
	s.results[k] = m
}

// alike lists the results of actions that are as much like that of a key as there are: of
// the same command with other files, else of one with the same beginning.
func (s *Server) alike(key string) (same []string) {
	command := func(key string) (digest string, begin []string) {
		a, c := &repb.Action{}, &repb.Command{}
		_ = proto.Unmarshal(s.blobs[key], a) // what cannot be read is like nothing
		digest = a.GetCommandDigest().GetHash()
		_ = proto.Unmarshal(s.blobs[digest], c)
		args := c.GetArguments()
		return digest, args[:max(0, len(args)-1)]
	}
	digest, begin := command(key)
	var similar []string
	for _, other := range slices.Sorted(maps.Keys(s.results)) {
		switch d, b := command(other); {
		case other == key:
		case d == digest:
			same = append(same, other)
		case slices.Equal(b, begin):
			similar = append(similar, other)
		}
	}
	if len(same) > 0 {
		return same
	}
	return similar
}

// someBlob is the hash of some content: half of the time one that a result names.
func (s *Server) someBlob(r *rand.Rand) string {
	if files := s.results[pick(r, s.results)].GetOutputFiles(); r.IntN(2) == 0 && len(files) > 0 {
		if hash := files[r.IntN(len(files))].GetDigest().GetHash(); len(s.blobs[hash]) > 0 {
			return hash
		}
	}
	return pick(r, s.blobs)
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
