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

// The application calls lua_newuserdata, which Lua 5.4 does not have any more; its sibling is
// content with either.
const (
	luaApp = `#include <stdio.h>
#include "lauxlib.h"
#include "lualib.h"
int main(void) {
	lua_State *L = luaL_newstate();
	luaL_openlibs(L);
#ifdef APP
	lua_newuserdata(L, 16);
#endif
	if (luaL_dostring(L, "return _VERSION")) return 1;
	puts(lua_tostring(L, -1));
	return 0;
}
`
	oldLua = "Lua 5.3\n"
	newLua = "Lua 5.4\n"
)

// TestUpstream upgrades a library in place from one version to another, as its authors have
// published them: Debian's sources of Lua 5.3 and 5.4.
func TestUpstream(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no C compiler")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skip(err)
	} else {
		f.Close()
	}
	sources, err := corpus.Open()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	frun := at("bin/frun")
	must(t, programs.Into(at("bin")))
	must(t, os.WriteFile(at("app.c"), []byte(luaApp), 0o644))
	must(t, os.Mkdir(at("app"), 0o755))
	must(t, os.Mkdir(at("lib"), 0o755))
	run := func(words ...string) (string, error) {
		t.Helper()
		cmd := exec.Command("timeout", append([]string{"--kill-after=5", "300"}, words...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "FMAKE_CACHE_DIR="+at("cache"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	says := func(want string, words ...string) {
		t.Helper()
		if out, err := run(words...); err != nil || out != want {
			t.Fatalf("%q: %v, says %q, not %q", words, err, out, want)
		}
	}
	library := func(pkg string) {
		t.Helper()
		if err := sources.Source(pkg, "", at(pkg)); err != nil {
			t.Skip(err)
		}
		files, err := filepath.Glob(at(pkg + "/src/*.c"))
		must(t, err)
		words := []string{cc, "-shared", "-fPIC", "-w", "-DLUA_USE_POSIX", "-o", "lib/liblua.so.new"}
		for _, f := range files {
			if base := filepath.Base(f); base != "lua.c" && base != "luac.c" {
				words = append(words, f)
			}
		}
		says("", append(words, "-lm")...)
		must(t, os.Rename(at("lib/liblua.so.new"), at("lib/liblua.so")))
	}

	library("lua5.3")
	for _, p := range [][]string{{"app/app", "-DAPP"}, {"sibling"}} {
		says("", append([]string{cc, "-Ilua5.3/src", "-o", p[0], "app.c", "-Llib", "-llua", "-Wl,-rpath," + at("lib")}, p[1:]...)...)
	}
	says(oldLua, "app/app")
	if out, err := run(frun, "label", "add", "lua", "--app", "app", "--lib", "lib/liblua.so"); err != nil {
		t.Fatal(out, err)
	}
	library("lua5.4")
	if out, err := run("app/app"); err == nil || !strings.Contains(out, "lua_newuserdata") {
		t.Fatalf("the application does with the new library: %v, %q", err, out)
	}
	says(newLua, "./sibling")
	says(oldLua, frun, "--labels", "--", "app/app")
	says(newLua+oldLua+newLua, frun, "--labels", "--", "sh", "-c", "./sibling; app/app; ./sibling")
	if out, err := run(frun, "label", "wrap", "lua", "app/app", "--tree", at("trees")); err != nil {
		t.Fatal(out, err)
	}
	says(oldLua, "app/app")
	says(newLua+oldLua+newLua, "sh", "-c", "./sibling; app/app; ./sibling")
}
