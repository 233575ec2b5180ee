package remote

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"fmake/cache/endpoint"
	"fmake/tests/reapi"
)

// TestTLS speaks to a server that wants to see a certificate, and has one that has to be
// known.
func TestTLS(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	pair, err := tls.LoadX509KeyPair(a.issue(t, "server"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := reapi.Start("127.0.0.1:0", reapi.Quirks{}, credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	place := endpoint.Cache + "=grpcs://" + s.Addr()
	cert, key := a.issue(t, "client")
	us := []string{endpoint.Cert + "=" + cert, endpoint.Key + "=" + key}
	newMachine(t, s, append(us, place, endpoint.CA+"="+a.file)...).put(t, 1)
	if !newMachine(t, s, append(us, place, endpoint.CA+"="+a.file)...).take(t, 0) {
		t.Error("it is not there")
	}
	cert, key = other.issue(t, "stranger")
	for name, settings := range map[string][]string{
		"server unknown": append(us, place, endpoint.CA+"="+other.file),
		"we are unknown": {place, endpoint.CA + "=" + a.file, endpoint.Cert + "=" + cert, endpoint.Key + "=" + key},
		"no certificate": {place, endpoint.CA + "=" + a.file},
	} {
		if newMachine(t, s, settings...).take(t, 0) {
			t.Errorf("%s: it is there", name)
		}
	}
}

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	var der []byte
	der, a.key = certify(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	a.file = writePEM(t, "CERTIFICATE", der)
	return a
}

// issue makes a certificate and its key, as files.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	der, private := certify(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, a.key)
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", der), writePEM(t, "PRIVATE KEY", text)
}

// certify makes a certificate by an authority, or by itself if that is nil.
func certify(t *testing.T, c, by *x509.Certificate, byKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if by == nil {
		by, byKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
