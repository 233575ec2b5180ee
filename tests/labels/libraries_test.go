package labels

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Lua 5.3 and 5.4, from their sources. The application calls lua_newuserdata, which 5.4 does
// not have any more.

const luaApp = `#include <stdio.h>
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

// compiler returns the path of one that Debian calls name.
func (u *upgraded) compiler(name string) string {
	u.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		u.Skip("no compiler: ", err)
	}
	return path
}

func installLua(u *upgraded, version int) {
	pkg := []string{"lua5.3", "lua5.4"}[version-1]
	cc := u.compiler("gcc")
	if err := u.corpus.Source(pkg, "", u.at(pkg)); err != nil {
		u.Skip(err)
	}
	files, err := filepath.Glob(u.at(pkg + "/src/*.c"))
	must(u.T, err)
	must(u.T, os.MkdirAll(u.at("lib"), 0o755))
	words := []string{cc, "-shared", "-fPIC", "-w", "-DLUA_USE_POSIX", "-o", "lib/liblua.so.new"}
	for _, f := range files {
		if base := filepath.Base(f); base != "lua.c" && base != "luac.c" {
			words = append(words, f)
		}
	}
	u.works(append(words, "-lm")...)
	must(u.T, os.Rename(u.at("lib/liblua.so.new"), u.at("lib/liblua.so")))
}

func buildLua(u *upgraded) {
	u.write("app.c", luaApp, 0o644)
	must(u.T, os.MkdirAll(u.at("app"), 0o755))
	for _, p := range [][]string{{"app/app", "-DAPP"}, {"sibling"}} {
		u.works(append([]string{u.compiler("gcc"), "-Ilua5.3/src", "-o", p[0], "app.c", "-Llib", "-llua", "-Wl,-rpath," + u.at("lib")}, p[1:]...)...)
	}
}

// libsigc++ 2 and 3, as Debian has built them. The application is compiled with the headers of
// the first; the second has other virtual functions and no sigc::trackable_callback_list. The
// sibling asks for one of its functions by name.

const (
	sigcPath = "lib/libsigc-2.0.so.0"
	sigcApp  = `#include <cstdio>
#include <sigc++/sigc++.h>
struct listener : sigc::trackable {
	void hear(int n) { std::printf("signal %d\n", n); }
};
int main() {
	sigc::signal<void, int> said;
	listener l;
	said.connect(sigc::mem_fun(l, &listener::hear));
	said.emit(42);
}
`
	sigcSibling = `#include <dlfcn.h>
#include <stdio.h>
int main(void) {
	void *lib = dlopen(LIB, RTLD_LAZY);
	if (!lib) return puts(dlerror()), 1;
	puts(dlsym(lib, "_ZN4sigc10connection6notifyEPv") ? "sigc++ 2" : "sigc++ 3");
	return 0;
}
`
)

func installSigc(u *upgraded, version int) {
	pkg := []string{"libsigc++-2.0-0v5", "libsigc++-3.0-0"}[version-1]
	u.fromPackage(pkg, "usr/lib/*/libsigc-*.so.0.0.0", sigcPath)
}

func buildSigc(u *upgraded) {
	headers := u.unpacked("libsigc++-2.0-dev")
	config, err := filepath.Glob(headers + "/usr/lib/*/sigc++-2.0/include")
	if err != nil || len(config) != 1 {
		u.Fatal("the headers have no configuration: ", config)
	}
	u.write("app.cc", sigcApp, 0o644)
	u.write("sibling.c", sigcSibling, 0o644)
	must(u.T, os.MkdirAll(u.at("app"), 0o755))
	u.works(u.compiler("g++"), "-w", "-I"+headers+"/usr/include/sigc++-2.0", "-I"+config[0], "-o", "app/app", "app.cc", sigcPath, "-Wl,-rpath,"+u.at("lib"))
	u.works(u.compiler("gcc"), "-o", "sibling", `-DLIB="`+u.at(sigcPath)+`"`, "sibling.c", "-ldl")
}

// mistune 0.8, a module, and 2.0, a package of that name which has no Renderer.

func installMistune(u *upgraded, version int) {
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		u.Skip(err)
	}
	const site = "usr/lib/python3/dist-packages/"
	if version == 1 {
		u.fromPackage("python3-mistune0", site+"mistune0.py", "site/mistune.py")
		return
	}
	u.fromPackage("python3-mistune", site+"mistune", "site/mistune")
	must(u.T, os.Remove(u.at("site/mistune.py")))
}

func buildMistune(u *upgraded) {
	u.write("app/main.py", `#!/usr/bin/python3
import mistune
class Short(mistune.Renderer):
    def emphasis(self, text):
        return text
print(mistune.Markdown(renderer=Short())("*shown*").strip())
`, 0o755)
	u.write("sibling.py", "import mistune\nprint(mistune.__version__)\n", 0o644)
}

// LPeg, which Debian has as a plug-in for Lua 5.3 and one for 5.4, and Lua's own files of
// compiled chunks, whose format is another in 5.4. The sibling is the interpreter of 5.4.

func installLpeg(u *upgraded, version int) {
	lua := []string{"5.3", "5.4"}[version-1]
	u.fromPackage("lua-lpeg", "usr/lib/*/liblua"+lua+"-lpeg.so.*.0.0", "plugins/lpeg.so")
	if version == 1 {
		u.write("main.lua", `local lpeg = require "lpeg"; print(_VERSION .. " matches to " .. lpeg.match(lpeg.P"abc", "abcd"))`, 0o644)
	}
}

func installChunk(u *upgraded, version int) {
	lua := []string{"5.3", "5.4"}[version-1]
	u.write("chunk.lua", `return "has read it"`, 0o644)
	must(u.T, os.MkdirAll(u.at("data"), 0o755))
	u.works(u.unpacked("lua"+lua)+"/usr/bin/luac"+lua, "-o", "data/chunk.new", "chunk.lua")
	must(u.T, os.Rename(u.at("data/chunk.new"), u.at("data/chunk")))
	if version == 1 {
		u.write("main.lua", `print(_VERSION .. " " .. dofile "data/chunk")`, 0o644)
	}
}

func buildLpeg(u *upgraded) {
	u.fromPackage("lua5.3", "usr/bin/lua5.3", "app/lua")
	u.fromPackage("lua5.4", "usr/bin/lua5.4", "lua5.4")
}
