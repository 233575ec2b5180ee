package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	repb "github.com/bazelbuild/remote-apis/build/bazel/remote/execution/v2"
	"google.golang.org/genproto/googleapis/bytestream"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"fmake/cache/endpoint"
)

const (
	// batchLimit bounds what one message of contents holds. Servers that say that they
	// know no limit refuse messages above 4 MiB all the same.
	batchLimit = 39 << 20 / 10
	// messageLimit bounds what a server can make us hold at once.
	messageLimit = 8 << 20
	connectTime  = time.Second
)

// server is a connection to a server of the API.
type server struct {
	instance string
	conn     *grpc.ClientConn
	caps     repb.CapabilitiesClient
	cas      repb.ContentAddressableStorageClient
	actions  repb.ActionCacheClient
	streams  bytestream.ByteStreamClient

	exec       repb.ExecutionClient
	operations longrunningpb.OperationsClient
}

// dial prepares a connection, which is made when it is first used.
func dial(e *endpoint.Endpoint) (*server, error) {
	secrecy, err := transport(e)
	if err != nil {
		return nil, err
	}
	header := metadata.MD{}
	for _, h := range e.Header {
		header.Append(h[0], h[1])
	}
	conn, err := grpc.NewClient(e.Address,
		grpc.WithTransportCredentials(secrecy),
		grpc.WithUserAgent("fmake"),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit), grpc.MaxCallSendMsgSize(messageLimit)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTime}),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, c *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return call(metadata.NewOutgoingContext(ctx, header), method, req, reply, c, opts...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return open(metadata.NewOutgoingContext(ctx, header), d, c, method, opts...)
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare a connection: %w", err)
	}
	return &server{
		instance: e.Instance, conn: conn,
		caps:    repb.NewCapabilitiesClient(conn),
		cas:     repb.NewContentAddressableStorageClient(conn),
		actions: repb.NewActionCacheClient(conn),
		streams: bytestream.NewByteStreamClient(conn),

		exec:       repb.NewExecutionClient(conn),
		operations: longrunningpb.NewOperationsClient(conn),
	}, nil
}

// transport is plain, or TLS with the certificates that are wanted.
func transport(e *endpoint.Endpoint) (credentials.TransportCredentials, error) {
	if !e.Secure {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.CA != "" {
		text, err := os.ReadFile(e.CA)
		if err != nil {
			return nil, fmt.Errorf("read the certificate authority: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", e.CA)
		}
	}
	if e.Cert != "" {
		pair, err := tls.LoadX509KeyPair(e.Cert, e.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

// errNoExec is for a server that is a cache only.
var errNoExec = errors.New("it runs nothing")

// limits is what a server says of itself.
type limits struct {
	function function
	batch    int64 // bytes of contents in one message
	largest  int64 // content, 0 for no limit
	zstd     bool  // for byte streams
	update   bool  // the action cache can be written
}

// limits asks what the server can do; runs says that it has to run actions. One that does
// not know the question is taken for a plain one.
func (s *server) limits(ctx context.Context, runs bool) (limits, error) {
	l := limits{function: sha256Function, batch: batchLimit, update: true}
	all, err := s.caps.GetCapabilities(ctx, &repb.GetCapabilitiesRequest{InstanceName: s.instance})
	if status.Code(err) == codes.Unimplemented {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	c := all.GetCacheCapabilities()
	if c == nil {
		return l, garbage("it is no cache")
	}
	e := all.GetExecutionCapabilities()
	if runs && !e.GetExecEnabled() {
		return l, errNoExec
	}
	knows := func(f repb.DigestFunction_Value) bool {
		return slices.Contains(c.GetDigestFunctions(), f) &&
			(!runs || e.GetDigestFunction() == f || slices.Contains(e.GetDigestFunctions(), f))
	}
	switch {
	case knows(repb.DigestFunction_BLAKE3):
		l.function = blake3Function
	case len(c.GetDigestFunctions()) > 0 && !knows(repb.DigestFunction_SHA256):
		return l, garbage("it knows neither SHA256 nor BLAKE3")
	}
	if n := c.GetMaxBatchTotalSizeBytes(); n > 0 {
		l.batch = min(l.batch, n)
	}
	l.largest = max(0, c.GetMaxCasBlobSizeBytes())
	for _, z := range c.GetSupportedCompressors() {
		l.zstd = l.zstd || z == repb.Compressor_ZSTD
	}
	l.update = c.GetActionCacheUpdateCapabilities().GetUpdateEnabled()
	return l, nil
}
