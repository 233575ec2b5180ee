package remote

import (
	"bytes"
	"context"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"

	"fmake/cache/endpoint"
)

// TestBuildStream gives contents to BuildStream's server, which is none of ours, and takes
// them from there: all calls about contents, but that about a stream that broke off, which it
// does not know. It has no action cache.
func TestBuildStream(t *testing.T) {
	program, err := exec.LookPath("bst-artifact-server")
	if err != nil {
		t.Skip("there is no bst-artifact-server (python3-buildstream of Debian)")
	}
	s := startBuildStream(t, program)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l, err := s.limits(ctx, false)
	if err != nil || l.function != sha256Function || l.update || l.zstd || l.batch > 1<<20 {
		t.Fatalf("it says of itself: %+v, %v", l, err)
	}
	var blobs []*blob
	var names []*repb.Digest
	for _, text := range []string{"", "small", "another", strings.Repeat("middling\n", 5000), strings.Repeat("large\n", 1_000_000)} {
		b := &blob{digest: l.function.digest([]byte(text)), data: []byte(text)}
		blobs, names = append(blobs, b), append(names, b.digest)
	}
	if lacks, err := s.missing(ctx, l.function, names); err != nil || len(lacks) != len(names) {
		t.Errorf("it lacks %v, %v", lacks, err)
	}
	for range 2 { // the second time there is nothing to give
		if err := s.give(ctx, l, blobs, l.batch, func() {}); err != nil {
			t.Fatal(err)
		}
	}
	absent := l.function.digest([]byte("absent"))
	if lacks, err := s.missing(ctx, l.function, append(names, absent)); err != nil || len(lacks) != 1 || !lacks[absent.GetHash()] {
		t.Errorf("it lacks %v, %v", lacks, err)
	}
	got, err := s.read(ctx, l.function, append(names[1:4:4], absent))
	if err != nil || len(got) != 3 {
		t.Errorf("%d contents are there, %v", len(got), err)
	}
	for _, b := range blobs[1:4] {
		if !bytes.Equal(got[b.digest.GetHash()], b.data) {
			t.Errorf("another content of %d bytes", len(b.data))
		}
	}
	d := s.download(ctx, l, names[4])
	defer d.Close()
	if data, err := io.ReadAll(d); err != nil || !bytes.Equal(data, blobs[4].data) {
		t.Errorf("another content of %d bytes, %v", len(data), err)
	}
	gone := s.download(ctx, l, absent)
	defer gone.Close()
	if _, err := io.ReadAll(gone); !isGone(err) {
		t.Errorf("a content that is not there: %v", err)
	}
}

// startBuildStream starts the server, and returns when it takes calls.
func startBuildStream(t *testing.T, program string) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--port="+port, "--enable-push", "--head-room-min=1", "--head-room-max=2", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("it has ended: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	place, err := endpoint.Parse([]string{endpoint.Cache + "=grpc://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	s, err := dial(place)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.conn.Close() })
	return s
}
