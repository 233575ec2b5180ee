package tests

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"fmake/tests/reapi"
)

// remoteUsage is what scripts can do with the remote cache. Its place is in $REMOTE.
const remoteUsage = `usage: remote start [QUIRK...]
       remote quirks [QUIRK...]
       remote demand AUTHORIZATION
       remote stop
       remote asked [METHOD...]
       remote ran NUMBER
       remote cancelled NUMBER
       remote header NAME=VALUE
       remote instance NAME`

// remoteKey finds the server among the values of a script.
type remoteKey struct{}

// cmdRemote is about the script's remote cache.
func cmdRemote(ts *testscript.TestScript, neg bool, args []string) {
	if neg && (len(args) == 0 || args[0] != "asked") || len(args) == 0 {
		ts.Fatalf(remoteUsage)
	}
	server, _ := ts.Value(remoteKey{}).(**reapi.Server)
	if server == nil {
		ts.Fatalf("this script has no place for a server")
	}
	if args[0] == "start" {
		startRemote(ts, server, args[1:])
		return
	}
	if *server == nil {
		ts.Fatalf("there is no server")
	}
	switch args[0] {
	case "quirks":
		q, err := reapi.ParseQuirks(args[1:])
		ts.Check(err)
		(*server).SetQuirks(q)
	case "demand":
		(*server).Demand(strings.Join(args[1:], " "))
	case "stop":
		(*server).Stop()
	case "asked":
		checkAsked(ts, neg, (*server).Calls(), args[1:])
	case "ran", "cancelled":
		checkRan(ts, *server, args)
	case "header":
		name, value, _ := strings.Cut(strings.Join(args[1:], " "), "=")
		if _, header := (*server).Last(); !slices.Equal(header.Get(name), []string{value}) {
			ts.Fatalf("the server was sent %s: %q", name, header.Get(name))
		}
	case "instance":
		if name, _ := (*server).Last(); name != strings.Join(args[1:], " ") {
			ts.Fatalf("the server was asked about instance %q", name)
		}
	default:
		ts.Fatalf(remoteUsage)
	}
}

func startRemote(ts *testscript.TestScript, server **reapi.Server, quirks []string) {
	q, err := reapi.ParseQuirks(quirks)
	ts.Check(err)
	s, err := reapi.Start("127.0.0.1:0", q, nil)
	ts.Check(err)
	ts.Defer(s.Stop)
	*server = s
	ts.Setenv("REMOTE", "grpc://"+s.Addr())
}

// checkRan checks how many commands the server has run, or stopped, since it was started.
func checkRan(ts *testscript.TestScript, server *reapi.Server, args []string) {
	ran, cancelled := server.Ran()
	got := map[string]int{"ran": ran, "cancelled": cancelled}[args[0]]
	if want := strings.Join(args[1:], " "); strconv.Itoa(got) != want {
		ts.Fatalf("it has %s %d, not %s", args[0], got, want)
	}
}

// checkAsked checks that the server was asked by all of some methods since the last check,
// or by none of them; by none at all if there are none.
func checkAsked(ts *testscript.TestScript, neg bool, calls map[string]int, methods []string) {
	if len(methods) == 0 {
		if asked := len(calls) > 0; asked == neg {
			ts.Fatalf("the server was asked: %v", calls)
		}
		return
	}
	for _, m := range methods {
		if asked := calls[m] > 0; asked == neg {
			ts.Fatalf("%s was asked for %d times", m, calls[m])
		}
	}
}
