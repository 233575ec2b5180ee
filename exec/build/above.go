package build

import (
	"cmp"
	"fmt"
	"strings"

	"fmake/cache"
	"fmake/makefile"
)

// AboveVariable is the environment variable through which a make learns of the
// one above it.
const AboveVariable = "FMAKE_ENGINE"

// Above is what a make hands down to those that its recipes start, so that all
// of them share one engine, agree on the tree's root, and number their actions in
// one serial order.
type Above struct {
	Engine string // name of the engine, "" if none runs
	Root   string // the tree's root
	// Serial is where the positions begin of what the make below does. They end at that
	// of the recipe which starts it.
	Serial uint64
	Level  int    // how many makes are above
	Build  uint64 // a number that all makes of one build have; 0: this is the first
	// Register is the file in which makes tell each other which targets they have brought
	// up to date, "" if there is none.
	Register string
	// Entered tells the targets apart whose recipes have started the makes from the first one
	// down to this one, see entering. It has no spaces.
	Entered string
}

// steps say by level how far apart the positions of a make are: before each is room for
// what a make below does. At the top 4 million actions have one, in makes below 16,384,
// 1,024, 512 and 512. Where that is not enough, and in makes that are deeper, all have one
// position: they are in the order of their make, but see what others of it have left.
var steps = [...]uint64{1 << topShift, 1 << 28, 1 << 18, 1 << 9, 1}

const topShift = 42

// ParseAbove reads the value of AboveVariable. Without one there is no make
// above.
func ParseAbove(value string) Above {
	var a Above
	f := strings.SplitN(value, " ", 7)
	if len(f) != 7 {
		return a
	}
	if _, err := fmt.Sscan(f[1]+" "+f[2]+" "+f[3], &a.Serial, &a.Level, &a.Build); err != nil || a.Level < 0 {
		return Above{}
	}
	a.Entered, a.Root = strings.TrimPrefix(f[5], none), f[6]
	if f[0] != none {
		a.Engine = f[0]
	}
	if f[4] != none {
		a.Register = f[4]
	}
	return a
}

func (a Above) String() string {
	engine, register, entered := cmp.Or(a.Engine, none), cmp.Or(a.Register, none), cmp.Or(a.Entered, none)
	return fmt.Sprintf("%s %d %d %d %s %s %s", engine, a.Serial, a.Level, a.Build, register, entered, a.Root)
}

// entering is what a target adds to Above.Entered when its recipe starts a make.
func entering(n *node) string {
	h := cache.HashString(n.name)
	return fmt.Sprintf("/%x", h[:8])
}

// isEntered reports whether a recipe of a target has started this make, or one above it.
func (b *Build) isEntered(n *node) bool {
	return b.opts.Above.Entered != "" && strings.Contains(b.opts.Above.Entered+"/", entering(n)+"/")
}

// none stands for what there is not.
const none = "-"

// SubMakeEnv gives the variables by which a make that f's recipe starts finds
// this one. The engine is started for it, so that all makes below share one, but
// only when something runs below: see startEngine.
func (b *Build) SubMakeEnv(f *makefile.File) []string {
	n := b.node(f)
	a := Above{
		Engine: b.opts.Above.Engine, Root: b.sp.root, Build: b.opts.Above.Build,
		Serial: cmp.Or(n.told, n.serial) - b.step, Level: b.level + 1, Register: b.opts.Shared.register.open(),
		Entered: b.opts.Above.Entered,
	}
	if !f.Phony {
		a.Entered += entering(n)
	}
	if name := b.opts.Shared.engineName(); name != "" {
		a.Engine = name
	}
	return []string{AboveVariable + "=" + a.String()}
}
