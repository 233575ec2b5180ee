// Package reuse plays random histories of projects whose recipes start many programs that
// have to do with one another: each reads what others have written, lists directories,
// looks for what may not be there, moves, appends, edits in place, prints, fails. After
// each build the tree must be the one that GNU make leaves from clean, and what was printed
// must be what it prints.
package reuse

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	histories = flag.Int("reuse.histories", 3, "number of histories")
	seed      = flag.Uint64("reuse.seed", 1, "seed of the first one")
	inBash    = flag.Bool("reuse.bash", false, "recipes are scripts for bash only")
	steps     = flag.Int("reuse.steps", 12, "builds of a history")
)

// op is the program that recipes start.
const op = `#!/bin/sh
how=$1 out=$2
shift 2
case $how in
cat) { echo "$how $out$MODE"; cat "$@"; } >$out ;;
list) ls "$@" >$out ;;
exists) if test -e "$1"; then echo yes; else echo no; fi >$out ;;
size) wc -c <"$1" >$out ;;
edit) x=$(cat "$1"); echo "$x, edited" >"$1" ;;
append) cat "$@" >>$out ;;
print) echo "now $out"; cat "$@"; echo "odd $out" >&2 ;;
filter) sed s/^/-/ >$out ;;
check) if grep -q bad "$1"; then echo "$1 is bad" >&2; exit 1; fi; echo good >$out ;;
temp) cat "$@" >$out.tmp; mv $out.tmp $out ;;
first) cat "$1" 2>/dev/null >$out || cat "$2" >$out ;;
esac
`

// project is what a history is about.
type project struct {
	r       *rand.Rand
	sources map[string]string
	recipe  []string
	script  bool // the recipe is in a file
	bash    bool // which only bash can run
	outs    int
}

func newProject(r *rand.Rand) *project {
	p := &project{r: r, script: r.IntN(3) == 0 || *inBash, sources: map[string]string{"op": op, "cc": op}}
	if _, err := exec.LookPath("bash"); err == nil {
		p.bash = p.script && (r.IntN(2) == 0 || *inBash)
	}
	for i := range 5 {
		p.sources[fmt.Sprintf("s%d", i)] = fmt.Sprintf("source %d\n", i)
	}
	p.sources["d/x"], p.sources["d/y"] = "x\n", "y\n"
	for range 8 + r.IntN(8) {
		p.recipe = append(p.recipe, p.command())
	}
	return p
}

// some names a file: a source, something that may not be there, or what may have been
// written before.
func (p *project) some() string {
	if p.outs > 0 && p.r.IntN(2) == 0 {
		return fmt.Sprintf("o%d", p.r.IntN(p.outs))
	}
	return fmt.Sprintf("s%d", p.r.IntN(5))
}

// fresh names a file to write, which is none of those that are read beside it: cat does
// not notice in a view that it reads what it writes.
func (p *project) fresh(read ...string) string {
	for {
		if out := p.anyOut(); !slices.Contains(read, out) {
			return out
		}
	}
}

func (p *project) anyOut() string {
	if p.outs > 0 && p.r.IntN(6) == 0 {
		return fmt.Sprintf("o%d", p.r.IntN(p.outs))
	}
	p.outs++
	return fmt.Sprintf("o%d", p.outs-1)
}

// command makes one line of a recipe.
func (p *project) command() string {
	in, in2 := p.some(), p.some()
	if p.bash && p.r.IntN(3) == 0 {
		return p.bashCommand(in, in2)
	}
	switch p.r.IntN(18) {
	case 0:
		return fmt.Sprintf("for x in s0 s1 s2 s3; do ./op cat $$x.o $$x %s || exit 1; done", in)
	case 1:
		return fmt.Sprintf("./op list %s d", p.fresh(in, in2))
	case 2:
		return fmt.Sprintf("./op exists %s maybe%d", p.fresh(in, in2), p.r.IntN(2))
	case 3:
		return fmt.Sprintf("./op size %s %s", p.fresh(in, in2), in)
	case 4:
		return fmt.Sprintf("./op cat %s %s; ./op edit - e%s", "ee"+in, in, "e"+in)
	case 5:
		return fmt.Sprintf("./op append log %s", in)
	case 6:
		return fmt.Sprintf("./op print %s %s", in, in2)
	case 7:
		return fmt.Sprintf("./op print %s %s >%s 2>&1", in, in2, p.fresh(in, in2))
	case 8:
		return fmt.Sprintf("./op print %s %s 2>/dev/null | ./op filter %s", in, in2, p.fresh(in, in2))
	case 9:
		return fmt.Sprintf("./op filter %s <%s", p.fresh(in, in2), in)
	case 10:
		return fmt.Sprintf("./op check %s %s", p.fresh(in, in2), in)
	case 11:
		return fmt.Sprintf("./op temp %s %s", p.fresh(in, in2), in)
	case 12:
		return fmt.Sprintf("./op first %s maybe%d %s", p.fresh(in, in2), p.r.IntN(2), in)
	case 13:
		o := p.fresh(in, in2)
		return fmt.Sprintf("./op cat t%s %s && mv t%s %s", o, in, o, o)
	case 14:
		return fmt.Sprintf("if test -f maybe0; then ./op cat %s %s; fi", "m"+in, in)
	case 15:
		return fmt.Sprintf("mkdir -p n; ./op cat n/%s %s; ./op list %s n", in, in, p.fresh(in, in2))
	case 16:
		return fmt.Sprintf("MODE=own ./op cat %s %s", p.fresh(in, in2), in)
	}
	return fmt.Sprintf("./op cat %s %s %s", p.fresh(in, in2), in, in2)
}

// bashCommand makes one that only bash knows, and programs that run beside each other.
func (p *project) bashCommand(in, in2 string) string {
	out, out2 := p.fresh(in, in2), p.fresh(in, in2)
	if out == out2 {
		out2 += "2"
	}
	switch p.r.IntN(9) {
	case 0:
		return fmt.Sprintf("./cc cat %s %s & ./cc cat %s %s & wait", out, in, out2, in2)
	case 1:
		return fmt.Sprintf("for x in s0 s1 s2 s3; do ./cc cat b$$x $$x %s & [[ $$((++n)) -ge 2 ]] && { wait -n; ((--n)); }; done; wait", in)
	case 2:
		return fmt.Sprintf("./op filter %s <<<\"$$(<s1)\"", out)
	case 3:
		return fmt.Sprintf("{ ./op filter %s; ./op filter %s; } <<<x", out, out2)
	case 4:
		return fmt.Sprintf("{ ./op print %s %s; ./op print %s %s; } >%s 2>&1", in, in2, in2, in, out)
	case 5:
		return fmt.Sprintf("while read -r x; do ./op cat w$$x %s; done < <(echo 1; echo 2)", in)
	case 6:
		return fmt.Sprintf("x=$$(./op print %s %s 2>&1); echo \"[$$x]\" >%s", in, in2, out)
	case 7:
		return fmt.Sprintf("./op append log %s & ./op cat %s %s & wait", in, out, in2)
	}
	return fmt.Sprintf("( exec ./op temp %s %s ) && [[ -e %s ]] && ./op size %s %s", out, in, out, out2, out)
}

// change changes something of the project.
func (p *project) change() {
	switch p.r.IntN(9) {
	case 0:
		p.toggle(fmt.Sprintf("maybe%d", p.r.IntN(2)))
	case 1:
		p.toggle("d/z")
	case 2:
		i := p.r.IntN(len(p.recipe))
		p.recipe[i] = p.command()
	case 3:
		i := p.r.IntN(len(p.recipe))
		p.recipe = slices.Insert(p.recipe, i, p.command())
	case 4:
		p.toggleBad()
	default:
		name := fmt.Sprintf("s%d", p.r.IntN(5))
		p.sources[name] = fmt.Sprintf("source %d\n", p.r.IntN(12))
	}
}

func (p *project) toggle(name string) {
	if _, ok := p.sources[name]; ok {
		delete(p.sources, name)
		return
	}
	p.sources[name] = name + "\n"
}

func (p *project) toggleBad() {
	for name, text := range p.sources {
		if strings.Contains(text, "bad\n") {
			p.sources[name] = "better\n"
			return
		}
	}
	p.sources[fmt.Sprintf("s%d", p.r.IntN(5))] = "bad\n"
}

func (p *project) makefile() string {
	recipe := strings.Join(p.recipe, "\n\t@")
	if p.script {
		recipe = "sh build.sh"
	}
	if p.bash {
		recipe = "./build.sh"
	}
	return "all: out other\nout:\n\t@" + recipe + "\n\t@cat s0 >out\n" +
		"other: s1 s2\n\t@for x in 1 2; do ./op cat other$$x s$$x; done; cat other1 other2 >other\n"
}

// write brings the sources in a folder up to date.
func (p *project) write(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"maybe0", "maybe1", "d/z"} {
		if _, ok := p.sources[name]; !ok {
			os.Remove(filepath.Join(dir, name))
		}
	}
	all := map[string]string{"Makefile": p.makefile()}
	for name, text := range p.sources {
		all[name] = text
	}
	if p.script {
		all["build.sh"] = strings.ReplaceAll(strings.Join(p.recipe, " || exit 1\n"), "$$", "$") + " || exit 1\n"
	}
	if p.bash {
		all["build.sh"] = "#!/bin/bash\n" + all["build.sh"]
	}
	for name, text := range all {
		path := filepath.Join(dir, name)
		if was, err := os.ReadFile(path); err == nil && string(was) == text {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(0o644)
		if name == "op" || name == "cc" || name == "build.sh" {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// build runs a make and returns its exit status and what it printed on stdout.
func build(t *testing.T, dir, program string, env []string, args ...string) (status int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if *inBash {
		cmd.Env = append(cmd.Env, "FMAKEFLAGS=--reuse=shells")
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	data, err := cmd.Output()
	if ctx.Err() != nil {
		t.Fatalf("%s hangs: %s", program, errs.String())
	}
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(data)
}

// tree describes all files in a folder.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		info, e := d.Info()
		if err == nil && e == nil {
			fmt.Fprintf(&b, "%s %v %q\n", path[len(dir):], info.Mode(), data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// differing shows the lines in which two trees differ.
func differing(got, want string) string {
	has := strings.Split(want, "\n")
	var b strings.Builder
	for l := range strings.SplitSeq(got, "\n") {
		if i := slices.Index(has, l); i >= 0 {
			has = slices.Delete(has, i, i+1)
			continue
		}
		fmt.Fprintf(&b, "\nis    %s", l)
	}
	for _, l := range has {
		fmt.Fprintf(&b, "\nnot   %s", l)
	}
	return b.String()
}

func TestReuse(t *testing.T) {
	fmake := os.Getenv("FMAKE_TEST_BINARY")
	if fmake == "" {
		fmake = buildAll(t)
	}
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("no GNU make to compare with")
	}
	for i := range *histories {
		n := *seed + uint64(i)
		t.Run(fmt.Sprint(n), func(t *testing.T) { history(t, fmake, n) })
	}
}

func buildAll(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	cmd := exec.Command("go", "build", "-o", bin+"/", "fmake/cmd/fmake", "fmake/cmd/fmake-engine", "fmake/cmd/fmake-program")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(bin, "fmake")
}

// history plays one.
func history(t *testing.T, fmake string, n uint64) {
	r := rand.New(rand.NewPCG(n, 1))
	p := newProject(r)
	dir, cache := t.TempDir(), t.TempDir()
	env := []string{"FMAKE_CACHE_DIR=" + cache}
	replayed := 0
	for step := range *steps {
		if step > 0 {
			for range 1 + r.IntN(2) {
				p.change()
			}
		}
		p.write(t, dir)
		args := []string{fmt.Sprintf("-j%d", 1+r.IntN(2))}
		mode := "MODE="
		if r.IntN(5) == 0 {
			mode = "MODE=given"
		}
		args = append(args, "-r", mode)
		clean := t.TempDir()
		p.write(t, clean)
		wantStatus, wantOut := build(t, clean, "make", nil, append(args, "-j1")...)
		status, out := build(t, dir, fmake, env, args...)
		if status != wantStatus {
			t.Fatalf("step %d: status %d, want %d\n%s", step, status, wantStatus, p.makefile())
		}
		if status != 0 {
			continue
		}
		if got, want := tree(t, dir), tree(t, clean); got != want {
			t.Fatalf("step %d, %v: %s\n%s", step, args, differing(got, want), p.makefile())
		}
		if !strings.Contains(out, "Nothing to be done") && out != wantOut && out != "" && args[0] == "-j1" {
			t.Errorf("step %d: printed\n%s\nwant\n%s\n%s", step, out, wantOut, p.makefile())
		}
		_, again := build(t, dir, fmake, env, args...)
		if !strings.Contains(again, "Nothing to be done") {
			t.Errorf("step %d: something runs again: %s", step, again)
		}
		_, why := build(t, dir, fmake, env, append(args, "--explain=out")...)
		replayed += strings.Count(why, "were replayed")
	}
	t.Logf("in %d of %d builds programs were replayed", replayed, *steps)
}
