package remote

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fmake/cache"
	"fmake/cache/endpoint"
	"fmake/cache/remote"
	"fmake/cache/store"
	"fmake/tests/reapi"
)

// machine is one machine's store, with a server behind it.
type machine struct {
	client   *cache.Client
	contents *cache.Contents
	store    *store.Store
}

// newMachine returns a machine that knows nothing.
func newMachine(t *testing.T, server *reapi.Server, settings ...string) *machine {
	t.Helper()
	dir := t.TempDir()
	blobs := cache.OpenBlobs(dir, cache.BlobOptions{})
	start := func(toStore net.Conn) (net.Conn, func(), error) {
		ours, theirs, err := store.Pair()
		if err != nil {
			return nil, nil, err
		}
		file, err := toStore.(*net.UnixConn).File()
		if err != nil {
			return nil, nil, err
		}
		defer file.Close()
		conn, err := net.FileConn(file)
		if err != nil {
			return nil, nil, err
		}
		go remote.NewService(cache.NewClient(conn), blobs).Serve(theirs)
		return ours, func() {}, nil
	}
	settings = append([]string{endpoint.Cache + "=grpc://" + server.Addr(), endpoint.Wait + "=60"}, settings...)
	st, err := store.Open(dir, store.Far(start, settings))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	go st.Serve(theirs)
	m := &machine{client: cache.NewClient(ours), store: st}
	m.contents = cache.NewContents(blobs, m.client)
	t.Cleanup(m.close)
	return m
}

func (m *machine) close() {
	m.client.Close()
	m.store.Close()
}

// result makes up what some action has left: a small file, a larger one, a link.
func result(i int) (t *cache.Trace, contents []string) {
	contents = []string{fmt.Sprintf("small %d", i), strings.Repeat(fmt.Sprintf("line %d\n", i), 2000+i)}
	key := cache.NewDigest("test").Uint(uint64(i)).Sum()
	t = &cache.Trace{
		Target: fmt.Sprintf("target%d", i), Dir: ".", Key: key, FullKey: key, Recipe: "recipe", Duration: 1e8,
		Inputs: []cache.Input{
			{Path: "./in", Kind: cache.InputContent, Mode: unix.S_IFREG | 0o644, Hash: cache.HashString(fmt.Sprint("in", i)), Stat: cache.FileStat{Ino: 7, Mtime: 8}},
			{Path: "/usr/bin/cc", Kind: cache.InputExists, Mode: unix.S_IFREG | 0o755, Size: 4},
		},
		Env: []cache.EnvInput{{Name: "LANG"}},
		Outputs: []cache.Output{
			{Path: "./large", Type: unix.S_IFREG, Mode: 0o644, Hash: cache.HashString(contents[1]), Size: int64(len(contents[1])), Stat: cache.FileStat{Ino: 9}},
			{Path: "./link", Type: unix.S_IFLNK, Link: "large"},
			{Path: "./small", Type: unix.S_IFREG, Mode: 0o755, Hash: cache.HashString(contents[0]), Size: int64(len(contents[0]))},
		},
		Procs:  []cache.Proc{{Parent: -1, Argv: []string{"cc"}, Env: []string{"SECRET=1"}, Reads: []uint32{0, 1}, Writes: []uint32{0}}},
		Chunks: []cache.Chunk{{Stream: 1, Data: []byte("printed\n")}},
	}
	t.Strong = cache.StrongKey(t.FullKey, t.Inputs, t.Env, nil)
	return t, contents
}

// put records results on a machine, and waits until the server has them.
func (m *machine) put(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		r, contents := result(i)
		for _, c := range contents {
			if _, err := m.contents.PutBytes([]byte(c)); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.client.PutTrace(r.FullKey, r.Strong, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.client.Flush(); err != nil {
		t.Fatal(err)
	}
}

// take looks a result up as a build does, and reports whether it was there. What is there
// must be right.
func (m *machine) take(t *testing.T, i int) bool {
	t.Helper()
	want, contents := result(i)
	sets, err := m.client.FarSets(want.FullKey)
	if err != nil || !slices.ContainsFunc(sets, func(s cache.PathSet) bool { return reflect.DeepEqual(s, cache.SetOf(want)) }) {
		return false
	}
	got, err := m.client.FarResult(want.Strong)
	if err != nil || got == nil {
		return false
	}
	portable, _ := cache.Portable(want)
	portable.From = cache.FromFar
	if string(cache.EncodeTrace(got)) != string(cache.EncodeTrace(portable)) {
		t.Errorf("another result than the one that was put:\n%+v\n%+v", got, portable)
	}
	for _, c := range contents {
		if data, err := m.contents.Get(cache.HashString(c)); err != nil || string(data) != c {
			t.Errorf("a content is not there, or another: %v", err)
		}
	}
	return true
}

func startServer(t *testing.T, quirks ...string) *reapi.Server {
	t.Helper()
	q, err := reapi.ParseQuirks(quirks)
	if err != nil {
		t.Fatal(err)
	}
	s, err := reapi.Start("127.0.0.1:0", q, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}
