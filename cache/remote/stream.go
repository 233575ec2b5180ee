package remote

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"

	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Large contents go in streams. One that breaks off is continued where it was.

const (
	// piece is how much of a stream is in one message.
	piece = 256 << 10
	// resumes is how often a stream is continued.
	resumes = 3
	// window bounds what a compressed stream can make us hold.
	window = 64 << 20
)

// resource is the name of a content in a stream.
func resource(l limits, d *repb.Digest) string {
	name := "blobs/"
	if l.zstd {
		name = "compressed-blobs/zstd/"
	}
	if l.function == blake3Function {
		name += "blake3/"
	}
	return name + d.GetHash() + "/" + strconv.FormatInt(d.GetSizeBytes(), 10)
}

func (s *server) under(name string) string {
	if s.instance == "" {
		return name
	}
	return s.instance + "/" + name
}

// download reads a content. It ends after as many bytes as its name says or with an error;
// whoever reads it has to find out whether they are the right ones.
type download struct {
	ctx    context.Context
	server *server
	limits limits
	digest *repb.Digest

	at    int64 // of the content
	tries int
	data  io.Reader // of the present stream, nil if there is none
	close func()
}

// download begins to read a content.
func (s *server) download(ctx context.Context, l limits, d *repb.Digest) *download {
	return &download{ctx: ctx, server: s, limits: l, digest: d}
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	left := d.digest.GetSizeBytes() - d.at
	if left == 0 {
		return 0, io.EOF
	}
	for {
		if d.data == nil {
			if err := d.open(); err != nil {
				return 0, err
			}
		}
		n, err := d.data.Read(p[:min(int64(len(p)), left)])
		d.at += int64(n)
		if n > 0 {
			return n, nil
		}
		if err == nil {
			continue
		}
		d.Close()
		if !d.again(err) {
			return 0, fmt.Errorf("take a content: %w", err)
		}
	}
}

// again tells whether a stream that broke off is worth another one.
func (d *download) again(err error) bool {
	d.tries++
	return d.tries <= resumes && d.ctx.Err() == nil && (errors.Is(err, io.EOF) && d.at > 0 || status.Code(err) == codes.Unavailable)
}

// open begins a stream where the last one ended. Places in compressed streams count
// uncompressed.
func (d *download) open() error {
	ctx, cancel := context.WithCancel(d.ctx)
	st, err := d.server.streams.Read(ctx, &bytestream.ReadRequest{ResourceName: d.server.under(resource(d.limits, d.digest)), ReadOffset: d.at})
	if err != nil {
		cancel()
		return fmt.Errorf("take a content: %w", err)
	}
	d.data, d.close = &messages{stream: st}, cancel
	if !d.limits.zstd {
		return nil
	}
	z, err := zstd.NewReader(d.data, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(window))
	if err != nil {
		cancel()
		return fmt.Errorf("take a content: %w", err)
	}
	d.data, d.close = z, func() { z.Close(); cancel() }
	return nil
}

// Close ends the stream.
func (d *download) Close() error {
	if d.close != nil {
		d.close()
	}
	d.data, d.close = nil, nil
	return nil
}

// messages reads what is in the messages of a stream.
type messages struct {
	stream bytestream.ByteStream_ReadClient
	rest   []byte
}

func (m *messages) Read(p []byte) (int, error) {
	for len(m.rest) == 0 {
		r, err := m.stream.Recv()
		if err != nil {
			return 0, err
		}
		m.rest = r.GetData()
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// upload gives a content to the server.
func (s *server) upload(ctx context.Context, l limits, b *blob) error {
	name, err := s.uploadName(l, b.digest)
	if err != nil {
		return err
	}
	at := int64(0)
	for try := 0; ; try++ {
		err = s.send(ctx, name, l.zstd, b, at)
		if err == nil || try == resumes || ctx.Err() != nil || status.Code(err) != codes.Unavailable {
			return err
		}
		if at, err = s.committed(ctx, l, name, b); err != nil || at == b.digest.GetSizeBytes() {
			return err
		}
		if at == 0 { // the server may not like to see the name again
			if name, err = s.uploadName(l, b.digest); err != nil {
				return err
			}
		}
	}
}

// uploadName names a stream to the server, anew each time.
func (s *server) uploadName(l limits, d *repb.Digest) (string, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", err
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return s.under(fmt.Sprintf("uploads/%x-%x-%x-%x-%x/%s", id[:4], id[4:6], id[6:8], id[8:10], id[10:], resource(l, d))), nil
}

// committed asks how much of a stream that broke off the server has. A compressed one
// begins anew: what was sent of it cannot be told.
func (s *server) committed(ctx context.Context, l limits, name string, b *blob) (int64, error) {
	r, err := s.streams.QueryWriteStatus(ctx, &bytestream.QueryWriteStatusRequest{ResourceName: name})
	switch {
	case status.Code(err) == codes.NotFound || status.Code(err) == codes.Unimplemented:
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("ask how much it has: %w", err)
	case r.GetComplete():
		return b.digest.GetSizeBytes(), nil
	case l.zstd:
		return 0, nil
	}
	if at := r.GetCommittedSize(); at >= 0 && at < b.digest.GetSizeBytes() {
		return at, nil
	}
	return 0, garbage("it has more of a content than there is")
}

// send sends a content from some place on.
func (s *server) send(ctx context.Context, name string, compressed bool, b *blob, at int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := b.read()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, at); err != nil {
		return err
	}
	st, err := s.streams.Write(ctx)
	if err != nil {
		return fmt.Errorf("give a content: %w", err)
	}
	w := &sender{stream: st, name: name, at: at}
	err = w.content(r, compressed)
	if err != nil && !errors.Is(err, io.EOF) { // the end of the stream is explained by the answer
		return fmt.Errorf("give a content: %w", err)
	}
	answer, err := st.CloseAndRecv()
	if err != nil {
		return fmt.Errorf("give a content: %w", err)
	}
	if n := answer.GetCommittedSize(); !compressed && n != b.digest.GetSizeBytes() {
		return garbage("it has taken %d of %d bytes", n, b.digest.GetSizeBytes())
	}
	return nil
}

// sender makes messages of what is written.
type sender struct {
	stream bytestream.ByteStream_WriteClient
	name   string
	at     int64
}

// content sends what is left of a content, and the end.
func (w *sender) content(r io.Reader, compressed bool) error {
	buf := make([]byte, piece)
	if !compressed {
		if _, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf); err != nil {
			return err
		}
		return w.finish()
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{z}, struct{ io.Reader }{r}, buf); err != nil {
		z.Close()
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return w.finish()
}

// Write implements io.Writer.
func (w *sender) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		part := p[sent:min(len(p), sent+piece)]
		if err := w.message(part, false); err != nil {
			return sent, err
		}
		sent += len(part)
	}
	return len(p), nil
}

func (w *sender) finish() error { return w.message(nil, true) }

func (w *sender) message(data []byte, last bool) error {
	err := w.stream.Send(&bytestream.WriteRequest{ResourceName: w.name, WriteOffset: w.at, Data: data, FinishWrite: last})
	w.at += int64(len(data))
	return err
}
