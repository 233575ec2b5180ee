// Command summary reads the output of "go test -json" on its standard input,
// prints what failed with its output, what was skipped by name, and last one
// line "N passed, N failed, N skipped". A test with subtests is not counted
// itself, unless it failed without any of them failing. It fails if anything
// failed, and if there were no tests at all.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is one line of go test -json that matters here.
type event struct {
	Action     string
	Package    string
	ImportPath string // of a failed build, whose output has no Package
	Test       string
	Output     string
}

// result is what is known of one test, or of a package as a whole (Test "").
type result struct {
	pkg, test string
	action    string // pass, fail or skip; "" while it runs
	output    []string
	parent    bool // has subtests
	blamed    bool // a subtest of it failed
}

func main() {
	failed, err := summarize(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	if failed {
		os.Exit(1)
	}
}

// summarize copies failures from the events of in to out, then the counts.
func summarize(in io.Reader, out io.Writer) (failed bool, err error) {
	s := &summary{results: make(map[string]*result), out: out}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			s.line(line)
		}
		if err == io.EOF {
			return s.finish(), nil
		}
		if err != nil {
			return false, fmt.Errorf("reading events: %w", err)
		}
	}
}

type summary struct {
	results map[string]*result
	order   []string
	out     io.Writer
}

// line takes one event; what is no event (a failed build) is passed on.
func (s *summary) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
		s.out.Write(line)
		return
	}
	switch e.Action {
	case "output":
		r := s.result(e)
		r.output = append(r.output, e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass", "fail", "skip":
		s.result(e).action = e.Action
		if e.Test == "" {
			fmt.Fprintf(s.out, "%-4s %s\n", e.Action, e.Package)
		}
	}
}

func (s *summary) result(e event) *result {
	key := e.Package + "\x00" + e.Test
	r := s.results[key]
	if r == nil {
		r = &result{pkg: e.Package, test: e.Test}
		s.results[key] = r
		s.order = append(s.order, key)
	}
	return r
}

// finish prints what failed and was skipped, and the counts.
func (s *summary) finish() bool {
	s.relate()
	var passed, failed, skipped int
	for _, key := range s.order {
		r := s.results[key]
		bad := r.action == "fail" || r.action == ""
		switch {
		case bad && !r.blamed:
			failed++
			fmt.Fprintf(s.out, "\n--- FAIL: %s %s\n%s", r.pkg, r.test, strings.Join(r.output, ""))
		case r.test == "" || r.parent:
		case r.action == "skip":
			skipped++
			fmt.Fprintf(s.out, "skipped: %s %s: %s\n", r.pkg, r.test, lastWords(r.output))
		default:
			passed++
		}
	}
	if len(s.order) == 0 {
		failed++
		fmt.Fprintln(s.out, "no tests ran")
	}
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	return failed > 0
}

// relate marks parents, and those whose failure a part of them explains.
func (s *summary) relate() {
	for _, key := range s.order {
		r := s.results[key]
		bad := r.action == "fail" || r.action == ""
		for test := r.test; test != ""; {
			test = test[:max(strings.LastIndexByte(test, '/'), 0)]
			up := s.results[r.pkg+"\x00"+test]
			if up == nil {
				continue
			}
			up.parent = true
			up.blamed = up.blamed || bad
		}
	}
}

// lastWords finds the reason of a skip in its output.
func lastWords(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return line
		}
	}
	return "no reason given"
}
