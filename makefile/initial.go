package makefile

import (
	"strconv"
	"strings"
)

// Version is the version of GNU make whose behaviour this is.
const Version = "4.4.1"

// HostType is the value of MAKE_HOST.
const HostType = "x86_64-pc-linux-gnu"

const defaultShell = "/bin/sh"

// features is the value of .FEATURES: what makefiles may test for. Loadable
// objects and guile are left out, as by a make built without them.
const features = "target-specific order-only second-expansion else-if shortest-stem" +
	" undefine oneshell nocomment grouped-target extra-prereqs notintermediate shell-export" +
	" archives jobserver jobserver-fifo output-sync check-symlink"

// defineInitial defines the environment's variables and make's own.
func (db *Database) defineInitial() {
	db.defineEnvironment()
	level := strconv.Itoa(db.opt.MakeLevel)
	own := []struct {
		name, value string
		origin      Origin
	}{
		{"MAKELEVEL", level, OriginEnv},
		{"MAKE_VERSION", Version, OriginDefault},
		{"MAKE_HOST", HostType, OriginDefault},
		{".FEATURES", features, OriginDefault},
		{".SHELLFLAGS", "-c", OriginDefault},
		{".RECIPEPREFIX", "", OriginDefault},
		{".VARIABLES", "", OriginDefault},
		{".DEFAULT_GOAL", "", OriginFile},
		{".INCLUDE_DIRS", strings.Join(db.includeDirs, " "), OriginDefault},
		{"CURDIR", db.opt.WorkDir, OriginFile},
	}
	for _, d := range own {
		db.Define(d.name, d.value, d.origin, false, nil, Pos{})
	}
	v := db.Define("MAKEFILES", "", OriginDefault, false, nil, Pos{})
	v.Export = ExportIfSet
	for _, c := range []string{"@", "%", "*", "<", "?", "^", "+"} {
		db.Define(c+"D", "$(patsubst %/,%,$(dir $"+c+"))", OriginAutomatic, true, nil, Pos{})
		db.Define(c+"F", "$(notdir $"+c+")", OriginAutomatic, true, nil, Pos{})
	}
}

// defineEnvironment takes the environment's variables in, as if -e were not
// given: see SetEnvOverrides. SHELL and MAKE_RESTARTS do not go out again by
// themselves.
func (db *Database) defineEnvironment() {
	overrides := db.opt.EnvOverrides
	db.opt.EnvOverrides = false
	defer db.SetEnvOverrides(overrides)
	for _, entry := range db.opt.Env {
		name, value, ok := strings.Cut(entry, "=")
		if !ok || name == "" {
			continue
		}
		v := db.Define(name, value, OriginEnv, true, nil, Pos{})
		v.Export = ExportYes
		switch name {
		case "SHELL":
			v.Export = ExportNo
			db.envShell, db.hasEnvShell = value, true
		case "MAKE_RESTARTS":
			v.Export = ExportNo
			v.Value = strings.TrimPrefix(value, "-") // the minus is for make alone
		}
	}
}

// DefineShell sees to it that makefiles never inherit SHELL from the environment.
// The command line, which is read before, still sees what is there.
func (db *Database) DefineShell() {
	v := db.Define("SHELL", defaultShell, OriginDefault, false, nil, Pos{})
	if v.Value == "" || v.Origin == OriginEnv || v.Origin == OriginEnvOverride {
		v.Value, v.Origin = defaultShell, OriginFile
	}
}

// enterPosixMode makes .POSIX effective. The values are those of the standard.
func (db *Database) enterPosixMode() {
	if db.Posix {
		return
	}
	db.Posix = true
	for _, d := range [][2]string{
		{".SHELLFLAGS", "-ec"},
		{"CC", "c99"},
		{"CFLAGS", "-O1"},
		{"FC", "fort77"},
		{"FFLAGS", "-O1"},
		{"SCCSGETFLAGS", "-s"},
	} {
		db.Define(d[0], d[1], OriginDefault, false, nil, Pos{})
	}
}

// refreshSpecial computes the value of a variable that has none of its own.
func (db *Database) refreshSpecial(v *Variable) {
	if v.Name != ".VARIABLES" {
		return
	}
	names := make([]string, 0, db.global.Len())
	for _, w := range db.global.Sorted() {
		names = append(names, w.Name)
	}
	v.Value = strings.Join(names, " ")
}
