package idle

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/cache"
)

// Key is what a make is asked to do, and where.
type Key struct {
	cacheDir string
	dir      string // where make was started
	args     []string
	env      []string
	boot     string
	session  []string // names of variables in env that count only if a makefile names them
}

// NewKey tells of a make with these arguments (program name first) and environment.
// Records are kept in cacheDir. ok is false if it is not one that a record can be kept
// of: it works for a make above, or has no directory.
func NewKey(cacheDir string, args, env []string, boot string) (k Key, ok bool) {
	dir, err := unix.Getwd()
	if err != nil {
		return k, false
	}
	k = Key{cacheDir: cacheDir, dir: dir, args: args, env: env, boot: boot}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case name == "MAKELEVEL" || name == "MAKE_RESTARTS":
			return k, false
		case ofSession(name):
			k.session = append(k.session, name)
		}
	}
	return k, true
}

// sessionVariables tell of the terminal, the session and the shell that make was
// started from: with each window they are others. A * stands for any rest.
func sessionVariables() []string {
	return []string{
		"_", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "WINDOWID", "WINDOWPATH", "TMUX", "TMUX_PANE", "STY", "WINDOW", "SSH_*", "GPG_*", "DBUS_*",
		"XDG_SESSION_*", "XDG_VTNR", "XDG_SEAT*", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SESSION_*", "INVOCATION_ID", "JOURNAL_STREAM", "TERM_*", "VSCODE_*",
		"KONSOLE*", "ITERM*", "SYSTEMD_EXEC_PID", "MANAGERPID", "GNOME_TERMINAL_*", "ALACRITTY_*", "KITTY_*", "WEZTERM_*", "SHELL_SESSION*",
	}
}

func ofSession(name string) bool {
	return slices.ContainsFunc(sessionVariables(), func(s string) bool {
		start, open := strings.CutSuffix(s, "*")
		return name == s || open && strings.HasPrefix(name, start)
	})
}

// file is the path of the record.
func (k *Key) file() string {
	name := cache.NewDigest("idle").String(k.dir).Strings(k.args).Sum().String()[:32]
	return cache.NullBuildFile(k.cacheDir, name)
}

// used notes that the record was of use, for when the cache has to become smaller.
func (k *Key) used() {
	_ = unix.UtimesNanoAt(unix.AT_FDCWD, k.file(), []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, 0)
}

// environment is a hash of what counts of the environment, and of what else there is
// about the process that a makefile or a command can ask for.
func (k *Key) environment(named map[string]bool) cache.Hash {
	h := cache.NewDigest("environment").String(k.boot)
	var program unix.Stat_t // another fmake may decide otherwise
	if unix.Stat("/proc/self/exe", &program) == nil {
		h.Uint(program.Dev).Uint(program.Ino).Uint(uint64(program.Mtim.Nano()))
	}
	var machine unix.Utsname // for uname(1)
	if unix.Uname(&machine) == nil {
		for _, field := range [][]byte{machine.Sysname[:], machine.Nodename[:], machine.Release[:], machine.Version[:], machine.Machine[:]} {
			h.String(unix.ByteSliceToString(field))
		}
	}
	for fd := 1; fd <= 2; fd++ { // MAKE_TERMOUT and MAKE_TERMERR are their names
		name := ""
		if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
			name, _ = os.Readlink("/proc/self/fd/" + string('0'+rune(fd)))
		}
		h.String(name)
	}
	for _, e := range slices.Sorted(slices.Values(k.env)) {
		name, _, _ := strings.Cut(e, "=")
		if named[name] || !slices.Contains(k.session, name) {
			h.String(e)
		}
	}
	return h.Sum()
}

// relative is a path as it is looked at fastest from where make was started.
func (k *Key) relative(path string) string {
	if rest, ok := strings.CutPrefix(path, k.dir+"/"); ok && rest != "" && rest[0] != '/' {
		return rest
	}
	return path
}

// absolute undoes relative.
func (k *Key) absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return k.dir + "/" + path
}

// changed lists what an environment has besides make's own, or in another way.
func (k *Key) changed(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool { return slices.Contains(k.env, e) })
}

// missing lists the names of the variables that make's own environment has and env
// has not.
func (k *Key) missing(env []string) []string {
	var names []string
	for _, e := range k.env {
		name, _, _ := strings.Cut(e, "=")
		if !slices.ContainsFunc(env, func(x string) bool { return strings.HasPrefix(x, name+"=") }) {
			names = append(names, name)
		}
	}
	return names
}
