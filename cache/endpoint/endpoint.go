// Package endpoint says where a remote cache is and how to get in.
//
// # Model
//
// All of it are settings: names with values, which come from environment variables
// (FMAKE_REMOTE_CACHE and others that begin alike) and from options, which count
// more. They travel as words NAME=value, over sockets only, to the program that speaks
// to the remote cache. Some are secrets, so Split takes them all out of the
// environment that recipes and commands get, and no message quotes a value.
package endpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// prefix begins the names of all variables that are settings.
const prefix = "FMAKE_REMOTE_"

// The settings. Every other variable that begins with FMAKE_REMOTE_ is an error.
const (
	Cache     = prefix + "CACHE"      // grpc://HOST:PORT/INSTANCE or grpcs://...
	Mode      = prefix + "CACHE_MODE" // readwrite, read, write
	Wait      = prefix + "WAIT"       // seconds
	Token     = prefix + "TOKEN"
	TokenFile = prefix + "TOKEN_FILE"
	User      = prefix + "USER"
	Password  = prefix + "PASSWORD"
	Headers   = prefix + "HEADERS" // name=value, separated by commas
	CA        = prefix + "CA"      // files
	Cert      = prefix + "CERT"
	Key       = prefix + "KEY"
)

func names() []string {
	return []string{Cache, Mode, Wait, Token, TokenFile, User, Password, Headers, CA, Cert, Key}
}

// Split takes the settings out of an environment. Files that they name are named absolutely
// then.
func Split(env []string) (rest, settings []string) {
	isSetting := func(e string) bool { return strings.HasPrefix(e, prefix) }
	if !slices.ContainsFunc(env, isSetting) {
		return env, nil
	}
	for _, e := range env {
		if isSetting(e) {
			name, value, _ := strings.Cut(e, "=")
			settings = append(settings, Setting(name, value))
		} else {
			rest = append(rest, e)
		}
	}
	return rest, settings
}

// Setting makes a word of a setting.
func Setting(name, value string) string {
	if slices.Contains(files(), name) && value != "" {
		if abs, err := filepath.Abs(value); err == nil { // else reading it will say what is wrong
			value = abs
		}
	}
	return name + "=" + value
}

// files are the settings that name files.
func files() []string { return []string{TokenFile, CA, Cert, Key} }

// Forget removes settings from the environment of this process, which all that it starts
// would inherit.
func Forget(settings []string) {
	for _, s := range settings {
		name, _, _ := strings.Cut(s, "=")
		_ = os.Unsetenv(name)
	}
}

// The ports of the schemes.
func schemes() map[string]string { return map[string]string{"grpc": "80", "grpcs": "443"} }

// The modes.
func modes() []string { return []string{"readwrite", "read", "write"} }

// DefaultWait is how long a build waits at its end for what is on its way.
const DefaultWait = 2500 * time.Millisecond

// Endpoint is a remote cache.
type Endpoint struct {
	Address  string // HOST:PORT
	Instance string
	Secure   bool // TLS

	Read, Write bool
	Wait        time.Duration // for what is on its way when a build ends

	CA, Cert, Key string      // files, "" for none
	Header        [][2]string // sent with every call; may be secrets
}

// Parse reads settings, of which later ones count. With none for Cache there is no remote
// cache, and the Endpoint is nil. No error quotes a value that may be a secret.
func Parse(settings []string) (*Endpoint, error) {
	v := make(map[string]string)
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if value != "" && !slices.Contains(names(), name) {
			return nil, fmt.Errorf("variable %s is unknown; there are %s", name, strings.Join(names(), ", "))
		}
		v[name] = value
	}
	if v[Cache] == "" || v[Cache] == "off" {
		return nil, nil
	}
	e := &Endpoint{Wait: DefaultWait, CA: v[CA], Cert: v[Cert], Key: v[Key]}
	for _, read := range []func(map[string]string) error{e.place, e.use, e.access, e.headers} {
		if err := read(v); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// place reads where it is.
func (e *Endpoint) place(v map[string]string) error {
	wrong := errors.New("the remote cache must be named as grpc://HOST:PORT/INSTANCE or grpcs://HOST:PORT/INSTANCE, of which port and instance can be left out")
	u, err := url.Parse(v[Cache])
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return wrong
	}
	port, known := schemes()[u.Scheme]
	if !known {
		return wrong
	}
	e.Address, e.Secure = u.Host, u.Scheme == "grpcs"
	if u.Port() == "" {
		e.Address = strings.TrimSuffix(u.Host, ":") + ":" + port
	}
	e.Instance = strings.Trim(u.Path, "/")
	if u.User != nil {
		v[User] = u.User.Username()
		v[Password], _ = u.User.Password()
	}
	return nil
}

// use reads what it is for.
func (e *Endpoint) use(v map[string]string) error {
	switch v[Mode] {
	case "", "readwrite":
		e.Read, e.Write = true, true
	case "read":
		e.Read = true
	case "write":
		e.Write = true
	default:
		return fmt.Errorf("the mode of the remote cache must be one of %s", strings.Join(modes(), ", "))
	}
	if v[Wait] == "" {
		return nil
	}
	seconds, err := strconv.ParseFloat(v[Wait], 64)
	if err != nil || !(seconds >= 0 && seconds < 1e6) {
		return errors.New("how long to wait for the remote cache must be a number of seconds")
	}
	e.Wait = time.Duration(seconds * float64(time.Second))
	return nil
}

// access reads who is to be let in.
func (e *Endpoint) access(v map[string]string) error {
	token := v[Token]
	if file := v[TokenFile]; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the token for the remote cache: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	switch {
	case token != "" && v[User] != "":
		return errors.New("for the remote cache there are both a token and a user's name")
	case token != "":
		e.Header = append(e.Header, [2]string{"authorization", "Bearer " + token})
	case v[User] != "":
		pair := base64.StdEncoding.EncodeToString([]byte(v[User] + ":" + v[Password]))
		e.Header = append(e.Header, [2]string{"authorization", "Basic " + pair})
	}
	if (e.Cert == "") != (e.Key == "") {
		return errors.New("for the remote cache a certificate and its key must be given together")
	}
	if !e.Secure && e.CA+e.Cert != "" {
		return errors.New("certificates are of use for a remote cache with grpcs:// only")
	}
	return nil
}

// headers reads what else is sent with every call.
func (e *Endpoint) headers(v map[string]string) error {
	if v[Headers] == "" {
		return nil
	}
	for _, h := range strings.Split(v[Headers], ",") {
		name, value, ok := strings.Cut(h, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsFunc(name, notToken) || strings.ContainsAny(value, "\r\n") {
			return errors.New("headers for the remote cache must be NAME=VALUE, separated by commas")
		}
		e.Header = append(e.Header, [2]string{name, strings.TrimSpace(value)})
	}
	return nil
}

// notToken is true for characters that cannot be in the name of a header.
func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}
