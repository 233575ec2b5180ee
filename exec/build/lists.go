package build

import (
	"strings"
	"sync"
)

// The lists below are documented in README.md ("How it decides"). They are
// functions rather than variables so that nothing is built before it is asked
// for and nothing can be changed at run time.

// envAlways names variables that common tools read without their name showing
// up in a file that the action opens as text: they are inputs of every action.
// A trailing * stands for any rest of the name.
func envAlways() []string {
	return []string{
		"CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "COMPILER_PATH", "GCC_EXEC_PREFIX",
		"LIBRARY_PATH", "LD_*", "DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "PKG_CONFIG*", "PYTHONPATH", "PYTHONHOME",
		"PERL5LIB", "PERLLIB", "RUBYLIB", "GOFLAGS", "GOPATH", "GOROOT", "GOOS", "GOARCH", "CGO_*",
		"LANG", "LANGUAGE", "LC_*", "TZ", "SOURCE_DATE_EPOCH",
	}
}

// envNever names variables of the session, the terminal and make's own
// plumbing: they are never inputs.
func envNever() []string {
	return []string{
		"_", "PWD", "OLDPWD", "SHLVL", "MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MAKE_TERMOUT", "MAKE_TERMERR",
		"FMAKE*", "TERM", "TERM_*", "TERMCAP", "COLORTERM", "COLUMNS", "LINES", "LS_COLORS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
		"WINDOWID", "WINDOWPATH", "VTE_VERSION", "TMUX*", "STY", "SSH_*", "GPG_*", "DBUS_*", "XDG_*", "DESKTOP_*", "GNOME_*", "KDE_*", "GTK_*", "QT_*",
		"SESSION_*", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_*", "MAIL", "HISTFILE", "HISTSIZE", "HISTCONTROL", "PS1", "PS2", "PROMPT*",
		"EDITOR", "VISUAL", "PAGER", "LESS*", "VSCODE_*", "HOSTNAME", "HOSTTYPE", "SHELL_SESSION*", "COLORFGBG", "KONSOLE*", "ITERM*", "EMACS", "INSIDE_EMACS",
		"SUDO_*", "PATH",
	}
}

// envIfNamed names variables that count only if the recipe or the makefile
// names them: nearly every program can ask for them, hardly any result depends
// on them.
func envIfNamed() []string {
	return []string{"HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP", "SHELL"}
}

// statefulPrograms keep their own state between runs: they are given their
// earlier files and are not cached. A second word narrows a program to one of
// its subcommands or options.
func statefulPrograms() []string {
	return []string{
		"cargo", "go build", "go install", "go test", "go generate", "ninja", "samu", "cmake --build", "tsc -b", "tsc --build", "gradle", "gradlew", "mvn", "mvnw", "sbt",
		"npm", "npx", "yarn", "pnpm", "bun", "pdflatex", "latex", "xelatex", "lualatex", "bibtex", "biber", "makeindex", "latexmk", "dune", "make", "gmake",
		"bazel", "bazelisk", "buck2", "meson compile", "scons", "waf", "stack", "cabal", "dotnet", "swift build", "zig build", "mix", "rebar3", "flutter",
	}
}

// impurePrograms make results that are no function of files.
func impurePrograms() []string {
	return []string{
		"curl", "wget", "git clone", "git fetch", "git pull", "git push", "git submodule", "hg clone", "hg pull", "svn checkout", "svn update",
		"ssh", "scp", "sftp", "rsync", "docker", "podman", "buildah", "skopeo", "kubectl", "helm", "terraform", "aws", "gcloud", "az",
		"openssl rand", "openssl req", "openssl genrsa", "openssl genpkey", "openssl ecparam", "openssl dhparam", "openssl s_client", "openssl x509",
		"ssh-keygen", "gpg", "gpg2", "uuidgen", "mktemp", "shuf", "pip", "pip3", "gem", "apt", "apt-get", "dnf", "yum", "pacman", "apk", "brew", "psql", "mysql", "redis-cli",
	}
}

// placingPrograms do nothing but put files in their places: a recipe that runs again runs
// them anew.
func placingPrograms() []string {
	return []string{"mkdir", "rmdir", "rm", "mv", "cp", "ln", "touch", "chmod", "chown", "chgrp", "true", "false", "echo", "test", "[", "sleep"}
}

// volatileWords are command words whose output changes by time alone: text that
// a $(shell) with one of them printed is no reason to run a recipe again.
func volatileWords() []string {
	return []string{"date", "uuidgen", "mktemp", "shuf", "uptime", "ps", "free", "who", "w", "$RANDOM", "${RANDOM}", "$$"}
}

// ambientPaths are parts of paths of caches that tools keep for themselves: no
// input, no version. A leading ~/ stands for the home directory.
func ambientPaths() []string {
	return []string{
		"~/.cache/", "~/.ccache/", "~/.npm/_logs/", "~/.npm/_cacache/", "~/.cargo/registry/", "~/.config/go/",
		"/__pycache__/", "/CMakeFiles/Progress/", "/.ccache/", "/.sccache/",
	}
}

// editorNames are glob patterns of files that editors drop beside the one they
// edit: they are left out of listings unless opened.
func editorNames() []string {
	return []string{".*.sw?", ".*.swpx", "4913", "*~", ".#*", "#*#", ".goutputstream-*", "*.kate-swp", ".~lock.*#"}
}

// nameTable answers membership in a list with trailing-* patterns. The list is
// made into a table when it is first asked: many builds never ask.
type nameTable struct {
	list func() []string

	once   sync.Once
	exact  map[string]bool
	prefix map[byte][]string // by the first byte
}

func newNameTable(list func() []string) *nameTable { return &nameTable{list: list} }

func (t *nameTable) build() {
	list := t.list()
	t.exact, t.prefix = make(map[string]bool, len(list)), make(map[byte][]string)
	for _, n := range list {
		if n[len(n)-1] == '*' {
			t.prefix[n[0]] = append(t.prefix[n[0]], n[:len(n)-1])
			continue
		}
		t.exact[n] = true
	}
}

func (t *nameTable) has(name string) bool {
	t.once.Do(t.build)
	if t.exact[name] || name == "" {
		return t.exact[name]
	}
	for _, p := range t.prefix[name[0]] {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// names are the members without those of the patterns.
func (t *nameTable) names() map[string]bool {
	t.once.Do(t.build)
	return t.exact
}
