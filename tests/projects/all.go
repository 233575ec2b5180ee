package projects

// All returns the projects of Table and more, whose makefiles are of all the kinds that are
// about: written by hand, by automake and by cmake, with libtool, Kbuild, recursive or not,
// with programs and headers that the build makes first.
func All() []Project {
	return append(Table(),
		Project{Name: "lz4", Package: "lz4", Clean: "clean", Header: "lib/lz4.h", Source: "lib/lz4.c"},
		Project{Name: "sed", Package: "sed", Configure: "./configure", Clean: "clean", Header: "sed/utils.h", Source: "sed/execute.c"},
		Project{Name: "dash", Package: "dash", Configure: "./configure", Clean: "clean", Header: "src/shell.h", Source: "src/eval.c"},
		Project{
			Name: "jq", Package: "jq", Clean: "clean", Header: "src/jv.h", Source: "src/jv.c",
			// With the maintainer's rules, which make scanner and parser.
			Configure: "autoreconf -fi && ./configure --without-oniguruma --disable-docs --enable-maintainer-mode",
		},
		Project{Name: "luajit", Package: "luajit", Args: []string{"CCOPT=-O1"}, Clean: "clean", Header: "src/lj_gc.h", Source: "src/lj_gc.c"},
		Project{
			Name: "vitetris", Package: "vitetris", Clean: "clean", Header: "src/game/tetris.h", Source: "src/game/tetris.c",
			Configure: "./configure --without-x --without-allegro --without-joystick",
		},
		Project{
			Name: "cmark", Package: "cmark", Clean: "clean", Header: "src/node.h", Source: "src/blocks.c",
			Configure: "cmake -S . -B build -G 'Unix Makefiles'", Dir: "build",
		},
		Project{Name: "hello", Package: "hello", Configure: "./configure", Clean: "clean", Header: "lib/gettext.h", Source: "src/hello.c"},
		Project{Name: "htop", Package: "htop", Configure: "./autogen.sh && ./configure --disable-unicode", Clean: "clean", Header: "Process.h", Source: "Process.c"},
		Project{Name: "memcached", Package: "memcached", Configure: "./configure", Clean: "clean", Header: "items.h", Source: "items.c"},
		Project{Name: "mujs", Package: "mujs", Clean: "clean", Header: "jsi.h", Source: "jsrun.c"},
		Project{Name: "tree", Package: "tree", Clean: "clean", Header: "tree.h", Source: "list.c"},
		Project{Name: "ed", Package: "ed", Configure: "./configure", Clean: "clean", Header: "ed.h", Source: "buffer.c"},
		Project{Name: "less", Package: "less", Configure: "./configure", Clean: "clean", Header: "less.h", Source: "screen.c"},
		Project{Name: "byacc", Package: "byacc", Configure: "./configure", Clean: "clean", Header: "defs.h", Source: "lalr.c"},
		Project{
			Name: "busybox", Package: "busybox", Clean: "clean", Header: "include/volume_id.h", Source: "coreutils/cat.c", Heavy: true,
			// tc needs what headers of newer kernels no longer have.
			Configure: `make defconfig && sed -i "s/^CONFIG_TC=y/# CONFIG_TC is not set/" .config && (yes "" | make oldconfig)`,
			Env:       []string{"KBUILD_BUILD_TIMESTAMP=0", "KBUILD_BUILD_USER=u", "KBUILD_BUILD_HOST=h"},
		},
	)
}
