package recipe

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestCombinations compares random compositions of the cases: most of the
// interpreter's mistakes are in how commands meet, not in the commands.
func TestCombinations(t *testing.T) {
	needDash(t)
	rounds, seed := 150, uint64(5)
	if s := os.Getenv("FMAKE_SHELL_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		must(t, err)
		rounds, seed = n, rand.Uint64()
		t.Logf("seed %d", seed)
	}
	var parts []string
	for _, c := range readCases(t, "testdata/cases.txt") {
		if _, err := Parse(c.script); err == nil {
			parts = append(parts, c.script)
		}
	}
	// What stands behind a pipe reads all in the end: else whether the other side comes to
	// its end, or a signal ends it, is chance.
	const last = "{ (%s); r=$?; cat >/dev/null; exit $r; }"
	forms := []string{
		"%s; %s", "%s\n%s", "%s && %s", "%s || %s", "%s | " + last, "(%s) | " + last, "(%s); echo $?; %s", "(%s) || %s",
		"{ %s; } && %s", "if %s; then %s; fi", "if true; then %s; else %s; fi", "for i in 1 2; do %s; %s; done",
		"(%s; %s) > f", "{ %s; %s; } 2> f", "x=$(%s); echo \"$x\" $?; %s", "(%s) 2>&1 | " + last, "set -e; %s; %s",
		"echo \"$(%s)\" > g; %s", "! %s; %s", "case a in a) %s;; esac; %s", "%s 2>/dev/null; %s", "(%s) 2> e || { %s; }",
		"for i in a b; do %s || continue; %s; done", "for i in a b; do (%s) && break; %s; done", "%s < list; %s",
	}
	r := rand.New(rand.NewPCG(seed, seed))
	pick := func() string { return parts[r.IntN(len(parts))] }
	for range rounds {
		script := fmt.Sprintf(forms[r.IntN(len(forms))], pick(), pick())
		if r.IntN(2) == 0 {
			script = fmt.Sprintf(forms[r.IntN(len(forms))], script, pick())
		}
		if s, err := Parse(script); err == nil {
			compare(t, script, s)
		}
	}
}
