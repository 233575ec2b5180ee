package report

import (
	"path"
	"slices"
	"strings"

	"fmake/exec/jsonout"
)

// CompileCommands writes the compilation database that clang's tools and language
// servers read.
func (b *Build) CompileCommands(w *jsonout.Writer) {
	all := slices.Clone(b.Compiles)
	slices.SortStableFunc(all, func(x, y Compile) int {
		if c := strings.Compare(x.Dir, y.Dir); c != 0 {
			return c
		}
		if c := strings.Compare(x.File, y.File); c != 0 {
			return c
		}
		return strings.Compare(x.Output, y.Output)
	})
	all = slices.CompactFunc(all, func(x, y Compile) bool {
		return x.Dir == y.Dir && x.File == y.File && x.Output == y.Output && slices.Equal(x.Args, y.Args)
	})
	w.Array(func() {
		for _, c := range all {
			w.Newline()
			w.Object(func() {
				w.Field("directory", c.Dir)
				w.Field("file", c.File)
				w.Given("output", c.Output)
				w.Strings("arguments", c.Args)
			})
		}
	})
	w.End()
}

// Compiles finds the sources that a process compiles, if it is a compiler's driver; dir
// is where it ran.
func Compiles(dir string, argv []string) []Compile {
	for len(argv) > 1 && isLauncher(argv[0]) {
		argv = argv[1:]
	}
	if len(argv) < 2 || !isDriver(argv[0]) {
		return nil
	}
	var sources []string
	output, compiles := "", false
	for i := 1; i < len(argv); i++ {
		switch a := argv[i]; {
		case a == "-o" && i+1 < len(argv):
			i++
			output = argv[i]
		case strings.HasPrefix(a, "-o") && len(a) > 2:
			output = a[2:]
		case a == "-E" || a == "-M" || a == "-MM" || a == "-":
			return nil // it only preprocesses, or there is no file
		case takesValue(a):
			i++
		case a == "-c" || a == "-S":
			compiles = true
		case !strings.HasPrefix(a, "-") && isSource(a):
			sources = append(sources, a)
		}
	}
	if !compiles {
		output = "" // of the linker
	}
	argv = withoutDependencyFile(argv)
	out := make([]Compile, 0, len(sources))
	for _, s := range sources {
		out = append(out, Compile{Dir: dir, File: s, Output: output, Args: argv})
	}
	return out
}

// withoutDependencyFile leaves out the options that write a dependency file beside the
// object, as cmake does in its database: who runs a command of it to look at a source shall
// not write over what the makefile includes.
func withoutDependencyFile(argv []string) []string {
	out := make([]string, 0, len(argv))
	for i := 0; i < len(argv); i++ {
		switch a := argv[i]; {
		case slices.Contains([]string{"-MF", "-MT", "-MQ"}, a):
			i++ // what it names
		case slices.Contains([]string{"-MD", "-MMD", "-MP", "-MG"}, a):
		case strings.HasPrefix(a, "-MF"), strings.HasPrefix(a, "-MT"), strings.HasPrefix(a, "-MQ"):
		case strings.HasPrefix(a, "-Wp,-MD"), strings.HasPrefix(a, "-Wp,-MMD"):
		case takesValue(a) && i+1 < len(argv):
			out = append(out, a, argv[i+1])
			i++
		default:
			out = append(out, a)
		}
	}
	return out
}

// isLauncher is true for programs that run the compiler that is named behind them.
func isLauncher(program string) bool {
	return slices.Contains([]string{"ccache", "sccache", "distcc"}, path.Base(program))
}

// isDriver is true for the compilers that are called as gcc is: cc, gcc-14,
// arm-none-eabi-g++, clang++ and their like.
func isDriver(program string) bool {
	name := path.Base(program)
	if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789.") == "" {
		name = name[:i]
	}
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		name = name[i+1:]
	}
	return slices.Contains([]string{"cc", "c++", "gcc", "g++", "clang", "clang++", "c89", "c99", "tcc", "icc", "icpc", "icx", "icpx", "nvcc", "musl"}, name)
}

// takesValue is true for options whose value is a word of its own.
func takesValue(option string) bool {
	return slices.Contains([]string{
		"-I", "-D", "-U", "-L", "-l", "-x", "-include", "-imacros", "-isystem", "-iquote", "-idirafter", "-isysroot",
		"-MF", "-MT", "-MQ", "-Xlinker", "-Xassembler", "-Xpreprocessor", "-Xclang", "-T", "-u", "-z", "-arch", "-target", "--param", "-aux-info", "-wrapper",
	}, option)
}

// isSource is true for files that a compiler translates.
func isSource(name string) bool {
	return slices.Contains([]string{".c", ".cc", ".cp", ".cpp", ".cxx", ".c++", ".C", ".CPP", ".i", ".ii", ".m", ".mm", ".M", ".s", ".S", ".sx", ".cu"}, path.Ext(name))
}
