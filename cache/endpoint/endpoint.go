// Package endpoint says where a remote cache is, and where recipes can be sent to be run,
// and how to get in there.
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
	"cmp"
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
	Cache     = prefix + "CACHE"        // grpc://HOST:PORT/INSTANCE or grpcs://...
	Mode      = prefix + "CACHE_MODE"   // readwrite, read, write
	Wait      = prefix + "WAIT"         // seconds
	Exec      = prefix + "EXEC"         // as Cache
	Limit     = prefix + "EXEC_TIMEOUT" // seconds
	Platform  = prefix + "PLATFORM"     // name=value, separated by commas
	Image     = prefix + "IMAGE"        // of a container
	System    = prefix + "SYSTEM"       // image, ship
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
	return []string{Cache, Mode, Wait, Exec, Limit, Platform, Image, System, Token, TokenFile, User, Password, Headers, CA, Cert, Key}
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

// DefaultLimit is how long a recipe may run on another machine.
const DefaultLimit = 10 * time.Minute

// Endpoint is a remote cache, or where recipes can be sent.
type Endpoint struct {
	Address  string // HOST:PORT
	Instance string
	Secure   bool // TLS

	Read, Write bool
	Wait        time.Duration // for what is on its way when a build ends

	Limit    time.Duration // for one recipe
	Platform [][2]string   // what the machine that runs it has to be like, sorted
	Ship     bool          // it needs the files of the system here

	CA, Cert, Key string      // files, "" for none
	Header        [][2]string // sent with every call; may be secrets
}

// Parse reads settings, of which later ones count. With none for Cache there is no remote
// cache, and the Endpoint is nil. No error quotes a value that may be a secret.
func Parse(settings []string) (*Endpoint, error) {
	return parse(settings, Cache, "the remote cache", (*Endpoint).use)
}

// ParseExec is Parse for where recipes can be sent.
func ParseExec(settings []string) (*Endpoint, error) {
	return parse(settings, Exec, "remote execution", (*Endpoint).machine)
}

// parse reads the settings for what a setting says the place of.
func parse(settings []string, which, what string, use func(*Endpoint, map[string]string) error) (*Endpoint, error) {
	v := make(map[string]string)
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		if value != "" && !slices.Contains(names(), name) {
			return nil, fmt.Errorf("variable %s is unknown; there are %s", name, strings.Join(names(), ", "))
		}
		v[name] = value
	}
	if v[which] == "" || v[which] == "off" {
		return nil, nil
	}
	e := &Endpoint{CA: v[CA], Cert: v[Cert], Key: v[Key]}
	if err := e.place(v, which, what); err != nil {
		return nil, err
	}
	if err := use(e, v); err != nil {
		return nil, err
	}
	for _, read := range []func(map[string]string, string) error{e.access, e.headers} {
		if err := read(v, what); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// place reads where it is.
func (e *Endpoint) place(v map[string]string, which, what string) error {
	wrong := errors.New(what + " must be named as grpc://HOST:PORT/INSTANCE or grpcs://HOST:PORT/INSTANCE, of which port and instance can be left out")
	u, err := url.Parse(v[which])
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

// machine reads what is wanted of who runs recipes.
func (e *Endpoint) machine(v map[string]string) error {
	var err error
	if e.Limit, err = seconds(v[Limit], DefaultLimit); err != nil || e.Limit <= 0 {
		return errors.New("how long a recipe may run elsewhere must be a number of seconds")
	}
	switch v[System] {
	case "", "image":
	case "ship":
		e.Ship = true
	default:
		return errors.New("the system for remote execution must be one of image, ship")
	}
	if image := v[Image]; image != "" {
		if !strings.Contains(image, "://") {
			image = "docker://" + image
		}
		e.Platform = append(e.Platform, [2]string{"container-image", image})
	}
	if v[Platform] != "" {
		for _, p := range strings.Split(v[Platform], ",") {
			name, value, ok := strings.Cut(p, "=")
			if !ok || strings.TrimSpace(name) == "" {
				return errors.New("the platform for remote execution must be NAME=VALUE, separated by commas")
			}
			e.Platform = append(e.Platform, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
	slices.SortFunc(e.Platform, func(x, y [2]string) int { return cmp.Or(strings.Compare(x[0], y[0]), strings.Compare(x[1], y[1])) })
	return nil
}

// seconds reads a time.
func seconds(text string, without time.Duration) (time.Duration, error) {
	if text == "" {
		return without, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n < 1e6) {
		return 0, errors.New("no number of seconds")
	}
	return time.Duration(n * float64(time.Second)), nil
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
	var err error
	if e.Wait, err = seconds(v[Wait], DefaultWait); err != nil {
		return errors.New("how long to wait for the remote cache must be a number of seconds")
	}
	return nil
}

// access reads who is to be let in.
func (e *Endpoint) access(v map[string]string, what string) error {
	token := v[Token]
	if file := v[TokenFile]; file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read the token for %s: %w", what, err)
		}
		token = strings.TrimSpace(string(text))
	}
	switch {
	case token != "" && v[User] != "":
		return errors.New("for " + what + " there are both a token and a user's name")
	case token != "":
		e.Header = append(e.Header, [2]string{"authorization", "Bearer " + token})
	case v[User] != "":
		pair := base64.StdEncoding.EncodeToString([]byte(v[User] + ":" + v[Password]))
		e.Header = append(e.Header, [2]string{"authorization", "Basic " + pair})
	}
	if (e.Cert == "") != (e.Key == "") {
		return errors.New("for " + what + " a certificate and its key must be given together")
	}
	if !e.Secure && e.CA+e.Cert != "" {
		return errors.New("certificates are of use for " + what + " with grpcs:// only")
	}
	return nil
}

// headers reads what else is sent with every call.
func (e *Endpoint) headers(v map[string]string, what string) error {
	if v[Headers] == "" {
		return nil
	}
	for _, h := range strings.Split(v[Headers], ",") {
		name, value, ok := strings.Cut(h, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsFunc(name, notToken) || strings.ContainsAny(value, "\r\n") {
			return errors.New("headers for " + what + " must be NAME=VALUE, separated by commas")
		}
		e.Header = append(e.Header, [2]string{name, strings.TrimSpace(value)})
	}
	return nil
}

// notToken is true for characters that cannot be in the name of a header.
func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}
