package remote

import (
	"context"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"fmake/cache"
)

// The files of an entry: its record, and each content by its BLAKE3 hash.
const (
	recordFile    = "record"
	contentsFiles = "contents/"
)

// name is what the action cache calls an entry: an Action that is never run, the Command
// that it names, and the empty directory that it would run in.
type name struct {
	action *repb.Digest
	blobs  []*blob // what has to be kept for a person who looks at the entry
}

// nameOf names the entry of a key.
func nameOf(f function, k kind, key cache.Hash) (name, error) {
	command := &repb.Command{
		Arguments:   []string{"fmake", string(k), "format " + format, runtime.GOOS + "/" + runtime.GOARCH, key.String()},
		OutputPaths: []string{recordFile},
	}
	c, err := pack(f, command)
	if err != nil {
		return name{}, err
	}
	dir, err := pack(f, &repb.Directory{})
	if err != nil {
		return name{}, err
	}
	// A time limit that is not set is none at all for some servers, and zero for others.
	action, err := pack(f, &repb.Action{CommandDigest: c.digest, InputRootDigest: dir.digest, Timeout: durationpb.New(1e9)})
	if err != nil {
		return name{}, err
	}
	return name{action.digest, []*blob{c, dir, action}}, nil
}

// pack makes a content of a message.
func pack(f function, m proto.Message) (*blob, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("name an entry: %w", err)
	}
	return &blob{digest: f.digest(data), data: data}, nil
}

// entry is what the action cache has for a key.
type entry struct {
	record   *record
	contents map[cache.Hash]*repb.Digest
}

// get returns the entry of a key, nil if there is none.
func (s *server) get(ctx context.Context, l limits, k kind, key cache.Hash) (*entry, error) {
	n, err := nameOf(l.function, k, key)
	if err != nil {
		return nil, err
	}
	r, err := s.actions.GetActionResult(ctx, &repb.GetActionResultRequest{
		InstanceName: s.instance, ActionDigest: n.action, DigestFunction: l.function.value(), InlineOutputFiles: []string{recordFile},
	})
	if status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask for a result: %w", err)
	}
	e := &entry{contents: make(map[cache.Hash]*repb.Digest)}
	var file *repb.OutputFile
	for _, o := range r.GetOutputFiles() {
		if !valid(o.GetDigest()) {
			return nil, garbage("a file has no digest")
		}
		if o.GetPath() == recordFile {
			file = o
			continue
		}
		text, ok := strings.CutPrefix(o.GetPath(), contentsFiles)
		h, err := cache.ParseHash(text)
		if !ok || err != nil {
			return nil, garbage("an entry has a file of another kind")
		}
		e.contents[h] = o.GetDigest()
	}
	if file == nil {
		return nil, garbage("an entry has no record")
	}
	data, err := s.recordOf(ctx, l, file)
	if err != nil || data == nil {
		return nil, err
	}
	if e.record, err = decodeRecord(data, k, key); err != nil {
		return nil, err
	}
	return e, nil
}

// recordOf returns what is in the file of a record: it may have come along. It is nil if
// the server has lost it.
func (s *server) recordOf(ctx context.Context, l limits, file *repb.OutputFile) ([]byte, error) {
	d := file.GetDigest()
	if data := file.GetContents(); len(data) > 0 {
		return data, l.function.check(d, data)
	}
	if d.GetSizeBytes() > batchLimit {
		return nil, garbage("a record of %d bytes", d.GetSizeBytes())
	}
	got, err := s.read(ctx, l.function, []*repb.Digest{d})
	return got[d.GetHash()], err
}

// put makes the entry of a key. Everything that it names is there already.
func (s *server) put(ctx context.Context, l limits, n name, rec *repb.Digest, contents map[cache.Hash]*repb.Digest) error {
	r := &repb.ActionResult{OutputFiles: []*repb.OutputFile{{Path: recordFile, Digest: rec}}}
	for h, d := range contents {
		r.OutputFiles = append(r.OutputFiles, &repb.OutputFile{Path: contentsFiles + hex.EncodeToString(h[:]), Digest: d})
	}
	_, err := s.actions.UpdateActionResult(ctx, &repb.UpdateActionResultRequest{
		InstanceName: s.instance, ActionDigest: n.action, ActionResult: r, DigestFunction: l.function.value(),
	})
	if err != nil {
		return fmt.Errorf("give a result: %w", err)
	}
	return nil
}
