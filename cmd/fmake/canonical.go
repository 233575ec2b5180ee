package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"fmake/exec/build"
	"fmake/exec/canonical"
	"fmake/tracefs"
)

// canonicalOption is the option that wants the project under a fixed path.
const canonicalOption = "--canonical-root"

// enter has make work with the project under a fixed path, if an option says so. It
// returns if there is nothing to do, or if that cannot be done.
func enter(args, env []string) error {
	flags := lookup(env, "FMAKEFLAGS")
	mentions := func(word string) bool { return strings.HasPrefix(word, canonicalOption) }
	if !slices.ContainsFunc(args, mentions) && !strings.Contains(flags, canonicalOption) || tracefs.InView() {
		return nil
	}
	path := wantedRoot(args, flags)
	if path == "" {
		return nil
	}
	dir, err := unix.Getwd()
	if err != nil {
		return fmt.Errorf("the working directory: %w", err)
	}
	return canonical.Enter(path, build.ProjectRoot(dir), dir)
}

// wantedRoot reads the option, before all others are read.
func wantedRoot(args []string, flags string) string {
	o := newOwn()
	o.takeVariable(flags)
	for i := 1; i < len(args) && args[i] != "--"; i++ {
		used, _ := o.take(args[i], args[i+1:])
		i += used
	}
	return o.canonical
}

// refuse says what is wrong as make does.
func refuse(err error) int {
	fmt.Fprintf(os.Stderr, "fmake: *** %v.  Stop.\n", err)
	return 2
}
