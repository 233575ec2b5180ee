package endpoint

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := Endpoint{Address: "host:9092", Read: true, Write: true, Wait: DefaultWait}
	with := func(change func(*Endpoint)) *Endpoint {
		e := plain
		change(&e)
		return &e
	}
	for _, test := range []struct {
		settings string // separated by blanks
		want     *Endpoint
		wrong    string // part of the error
	}{
		{"", nil, ""},
		{"FMAKE_REMOTE_TOKEN=t", nil, ""},
		{Cache + "=grpc://host:9092 " + Cache + "=off", nil, ""},
		{Cache + "=grpc://host:9092", &plain, ""},
		{Cache + "=grpc://host", with(func(e *Endpoint) { e.Address = "host:80" }), ""},
		{Cache + "=grpcs://host/a/b/", with(func(e *Endpoint) { e.Address, e.Secure, e.Instance = "host:443", true, "a/b" }), ""},
		{Cache + "=grpc://[::1]:7", with(func(e *Endpoint) { e.Address = "[::1]:7" }), ""},
		{Cache + "=grpc://u:p@host:9092", with(func(e *Endpoint) { e.Header = [][2]string{{"authorization", "Basic dTpw"}} }), ""},
		{Cache + "=grpc://host:9092 " + Token + "=t", with(func(e *Endpoint) { e.Header = [][2]string{{"authorization", "Bearer t"}} }), ""},
		{Cache + "=grpc://host:9092 " + TokenFile + "=" + file, with(func(e *Endpoint) { e.Header = [][2]string{{"authorization", "Bearer from file"}} }), ""},
		{Cache + "=grpc://host:9092 " + Headers + "=X-Key=v,b=c", with(func(e *Endpoint) { e.Header = [][2]string{{"x-key", "v"}, {"b", "c"}} }), ""},
		{Cache + "=grpc://host:9092 " + Mode + "=read", with(func(e *Endpoint) { e.Write = false }), ""},
		{Cache + "=grpc://host:9092 " + Mode + "=write " + Wait + "=0.5", with(func(e *Endpoint) { e.Read, e.Wait = false, time.Second/2 }), ""},
		{Cache + "=http://host", nil, "must be named as grpc://"},
		{Cache + "=grpc://", nil, "must be named as grpc://"},
		{Cache + "=grpc://host:secret", nil, "must be named as grpc://"},
		{Cache + "=grpc://h " + Mode + "=secret", nil, "must be one of readwrite, read, write"},
		{Cache + "=grpc://h " + Wait + "=secret", nil, "a number of seconds"},
		{Cache + "=grpc://h " + Wait + "=NaN", nil, "a number of seconds"},
		{Cache + "=grpc://h " + Headers + "=secret", nil, "NAME=VALUE"},
		{Cache + "=grpc://h " + Headers + "=a:b=secret", nil, "NAME=VALUE"},
		{Cache + "=grpc://u:secret@h " + Token + "=secret", nil, "both a token"},
		{Cache + "=grpc://h " + TokenFile + "=/nowhere", nil, "read the token"},
		{Cache + "=grpcs://h " + Cert + "=x", nil, "together"},
		{Cache + "=grpc://h " + CA + "=x", nil, "grpcs:// only"},
		{"FMAKE_REMOTE_CASH=secret", nil, "FMAKE_REMOTE_CASH is unknown"},
	} {
		got, err := Parse(fields(test.settings))
		switch {
		case test.wrong == "" && err != nil:
			t.Errorf("%s: %v", test.settings, err)
		case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s: error %v, want %q", test.settings, err, test.wrong)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error tells a secret: %v", test.settings, err)
		case err == nil && !reflect.DeepEqual(got, test.want):
			t.Errorf("%s: %+v, want %+v", test.settings, got, test.want)
		}
	}
}

func TestParseExec(t *testing.T) {
	plain := Endpoint{Address: "host:8980", Limit: DefaultLimit}
	with := func(change func(*Endpoint)) *Endpoint {
		e := plain
		change(&e)
		return &e
	}
	const host = Exec + "=grpc://host:8980 "
	for _, test := range []struct {
		settings string // separated by blanks
		want     *Endpoint
		wrong    string // part of the error
	}{
		{Cache + "=grpc://host:9092", nil, ""},
		{host + Exec + "=off", nil, ""},
		{host + Mode + "=sometimes", &plain, ""}, // not ours
		{host + Limit + "=2.5", with(func(e *Endpoint) { e.Limit = 2500 * time.Millisecond }), ""},
		{host + System + "=ship", with(func(e *Endpoint) { e.Ship = true }), ""},
		{host + Image + "=debian:12", with(func(e *Endpoint) { e.Platform = [][2]string{{"container-image", "docker://debian:12"}} }), ""},
		{host + Image + "=oci://x/y", with(func(e *Endpoint) { e.Platform = [][2]string{{"container-image", "oci://x/y"}} }), ""},
		{host + Platform + "=os=linux,cpu=big,a=b=c", with(func(e *Endpoint) { e.Platform = [][2]string{{"a", "b=c"}, {"cpu", "big"}, {"os", "linux"}} }), ""},
		{host + Token + "=t", with(func(e *Endpoint) { e.Header = [][2]string{{"authorization", "Bearer t"}} }), ""},
		{host + Limit + "=0", nil, "a number of seconds"},
		{host + Limit + "=secret", nil, "a number of seconds"},
		{host + Platform + "=secret", nil, "NAME=VALUE"},
		{host + System + "=secret", nil, "one of image, ship"},
		{Exec + "=http://secret", nil, "remote execution must be named as grpc://"},
	} {
		got, err := ParseExec(fields(test.settings))
		switch {
		case test.wrong == "" && err != nil:
			t.Errorf("%s: %v", test.settings, err)
		case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s: error %v, want %q", test.settings, err, test.wrong)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error tells a secret: %v", test.settings, err)
		case err == nil && !reflect.DeepEqual(got, test.want):
			t.Errorf("%s: %+v, want %+v", test.settings, got, test.want)
		}
	}
}

func fields(s string) []string { return strings.Fields(s) }

func TestSplit(t *testing.T) {
	rest, settings := Split([]string{"A=1", Token + "=t", "FMAKE_REMOTE=x", Cache + "=c", "B="})
	if want := []string{"A=1", "FMAKE_REMOTE=x", "B="}; !reflect.DeepEqual(rest, want) {
		t.Errorf("rest %q, want %q", rest, want)
	}
	if want := []string{Token + "=t", Cache + "=c"}; !reflect.DeepEqual(settings, want) {
		t.Errorf("settings %q, want %q", settings, want)
	}
}
