package labels

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fmake/tests/corpus"
	"fmake/tests/programs"
)

// upgrade is a library as its authors have published it in two versions, the second of which
// is put in the place of the first. An application needs the first; a sibling is content with
// either, and tells which one it has met.
type upgrade struct {
	name     string
	install  func(u *upgraded, version int) // puts one version in its place, and makes what goes with it
	build    func(u *upgraded)              // makes the application and the sibling, where the first version is
	app      []string                       // the application's command, whose first word its label is for
	label    []string                       // what its label is of
	sibling  []string                       // a command
	says     string                         // what the application prints
	fails    string                         // what it says of the second version
	versions [2]string                      // what the sibling prints, "" for a failure
}

func upgrades() []upgrade {
	return []upgrade{
		{
			name: "changed symbol", install: installLua, build: buildLua, app: []string{"app/app"},
			label: []string{"--app", "app", "--lib", "lib/liblua.so"}, sibling: []string{"./sibling"},
			says: "Lua 5.3\n", fails: "lua_newuserdata", versions: [2]string{"Lua 5.3\n", "Lua 5.4\n"},
		},
		{
			name: "C++ ABI", install: installSigc, build: buildSigc, app: []string{"app/app"},
			label: []string{"--app", "app", "--lib", sigcPath}, sibling: []string{"./sibling"},
			says: "signal 42\n", fails: "undefined symbol", versions: [2]string{"sigc++ 2\n", "sigc++ 3\n"},
		},
		{
			name: "Python module", install: installMistune, build: buildMistune, app: []string{"app/main.py"},
			label: []string{"--app", "app", "--lib", "site"}, sibling: []string{"/usr/bin/python3", "sibling.py"},
			says: "<p>shown</p>\n", fails: "has no attribute 'Renderer'", versions: [2]string{"0.8.4\n", "2.0.4\n"},
		},
		{
			name: "plug-in", install: installLpeg, build: buildLpeg, app: []string{"app/lua", "main.lua"},
			label: []string{"--app", "app", "--lib", "plugins"}, sibling: []string{"./lua5.4", "main.lua"},
			says: "Lua 5.3 matches to 4\n", fails: "undefined symbol: lua_getiuservalue", versions: [2]string{"", "Lua 5.4 matches to 4\n"},
		},
		{
			name: "data file", install: installChunk, build: buildLpeg, app: []string{"app/lua", "main.lua"},
			label: []string{"--app", "app", "--lib", "data"}, sibling: []string{"./lua5.4", "main.lua"},
			says: "Lua 5.3 has read it\n", fails: "version mismatch", versions: [2]string{"", "Lua 5.4 has read it\n"},
		},
	}
}

// TestUpstream upgrades libraries in place, from one version that Debian has to another one. The
// application fails then, its label gives it the old version in either form, and its sibling
// has the new one meanwhile.
func TestUpstream(t *testing.T) {
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip(err)
	} else {
		f.Close()
	}
	sources, err := corpus.Open()
	if err != nil {
		t.Skip(err)
	}
	bin := t.TempDir()
	must(t, programs.Into(bin))
	for _, up := range upgrades() {
		t.Run(up.name, func(t *testing.T) {
			(&upgraded{T: t, corpus: sources, frun: filepath.Join(bin, "frun"), dir: t.TempDir()}).play(up)
		})
	}
}

// upgraded is one such test in a folder of its own.
type upgraded struct {
	*testing.T
	corpus    *corpus.Corpus
	frun, dir string
}

func (u *upgraded) play(up upgrade) {
	u.Helper()
	up.install(u, 1)
	up.build(u)
	u.says(up.says, up.app...)
	u.says(up.versions[0], up.sibling...)
	u.works(append([]string{u.frun, "label", "add", "old"}, up.label...)...)

	up.install(u, 2)
	if out, err := u.run(up.app...); err == nil || !strings.Contains(out, up.fails) {
		u.Fatalf("the application does with the new library: %v, %q", err, out)
	}
	u.says(up.versions[1], up.sibling...)
	inTurns := strings.Join(up.sibling, " ") + "; " + strings.Join(up.app, " ") + "; " + strings.Join(up.sibling, " ")
	both := up.versions[1] + up.says + up.versions[1]
	u.says(up.says, append([]string{u.frun, "--labels", "--"}, up.app...)...)
	u.says(both, u.frun, "--labels", "--", "sh", "-c", inTurns)
	u.works(u.frun, "label", "wrap", "old", up.app[0], "--tree", u.TempDir())
	u.says(up.says, up.app...)
	u.says(both, "sh", "-c", inTurns)
}

func (u *upgraded) at(name string) string { return filepath.Join(u.dir, name) }

// run runs a command and returns all that it prints.
func (u *upgraded) run(words ...string) (string, error) {
	u.Helper()
	cmd := exec.Command("timeout", append([]string{"--kill-after=5", "300"}, words...)...)
	cmd.Dir = u.dir
	cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+u.at("cache"), "PYTHONPATH="+u.at("site"), "PYTHONDONTWRITEBYTECODE=1", "LUA_CPATH="+u.at("plugins/?.so"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// says runs a command that is to print something, or to fail if that is nothing.
func (u *upgraded) says(want string, words ...string) {
	u.Helper()
	if out, err := u.run(words...); (err != nil) != (want == "") || want != "" && out != want {
		u.Fatalf("%q: %v, says %q, not %q", words, err, out, want)
	}
}

// works runs a command that is not to fail.
func (u *upgraded) works(words ...string) {
	u.Helper()
	if out, err := u.run(words...); err != nil {
		u.Fatalf("%q: %v\n%s", words, err, out)
	}
}

// write makes a file with its folders.
func (u *upgraded) write(name, text string, mode os.FileMode) {
	u.Helper()
	must(u.T, os.MkdirAll(filepath.Dir(u.at(name)), 0o755))
	must(u.T, os.WriteFile(u.at(name), []byte(text), mode))
}

// unpacked returns the folder with the files of a Debian package.
func (u *upgraded) unpacked(pkg string) string {
	u.Helper()
	dir := u.at("deb/" + pkg)
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := u.corpus.Package(pkg, dir); err != nil {
		u.Skip(err)
	}
	return dir
}

// fromPackage puts the only file of a package that matches a pattern in a place, as an upgrade
// does: by a rename.
func (u *upgraded) fromPackage(pkg, pattern, to string) {
	u.Helper()
	found, err := filepath.Glob(filepath.Join(u.unpacked(pkg), pattern))
	must(u.T, err)
	if len(found) != 1 {
		u.Skipf("%s has %d files %s here", pkg, len(found), pattern)
	}
	must(u.T, os.MkdirAll(filepath.Dir(u.at(to)), 0o755))
	u.works("cp", "-R", found[0], to+".new")
	u.works("mv", "-T", to+".new", to)
}
