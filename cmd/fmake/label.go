package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"fmake/exec/build"
	"fmake/tracefs"
)

// A label keeps the libraries that a program was built with (package labels). What is
// asked of frun by "frun label add" for a program that is there already, --label asks for
// one that has just been built: kept are the libraries that its link step has read, and
// those that its loader loads, which says at the same time how to test it.

// loads has the loader load programs, and look for all their symbols, without running them.
// What glibc's misses it says, and ends well; musl's knows an option only.
const loads = `loader=$1 list=; shift
case $loader in */ld-musl*) list=--list;; esac
for program; do
	said=$(LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes LD_BIND_NOW=yes "$loader" $list "$program" 2>&1) || { printf '%s\n' "$said"; exit 1; }
	case $said in *'not found'*|*'undefined symbol'*) printf '%s\n' "$said"; exit 1;; esac
done`

// labelBuilt makes the label of the programs that were built, and returns the exit status.
func (p *program) labelBuilt(programs []build.Program) int {
	if err := p.addLabel(programs); err != nil {
		fmt.Fprintf(os.Stderr, "fmake: --label=%s: %v\n", p.own.label, err)
		return 2
	}
	return 0
}

func (p *program) addLabel(programs []build.Program) error {
	if len(programs) == 0 {
		return fmt.Errorf("nothing that was made is a program with shared libraries; name one as the goal")
	}
	engine, err := tracefs.EnginePath("")
	if err != nil {
		return err
	}
	args := []string{"label", "add", p.own.label}
	test := []string{"sh", "-c", loads, "sh", programs[0].Loader}
	for _, prog := range programs {
		args = append(args, "--app", prog.Path)
		for _, lib := range prog.Libs {
			args = append(args, "--lib", lib)
		}
		test = append(test, prog.Path)
	}
	args = append(args, "--from-run", "--only", "*.so", "--only", "*.so.*", "--")
	cmd := exec.Command(filepath.Join(filepath.Dir(engine), "frun"), append(args, test...)...)
	dir, err := p.cacheDir()
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), "FMAKE_CACHE_DIR="+dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("frun label add: %w", err)
	}
	return nil
}
