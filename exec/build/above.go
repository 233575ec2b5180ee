package build

import (
	"cmp"
	"fmt"
	"strings"

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
	// Serial is the position of the recipe that starts the make below; its
	// actions come before that, Step apart.
	Serial, Step uint64
	Build        uint64 // a number that all makes of one build have; 0: this is the first
}

// Positions in serial order leave room for the actions of makes below: a step at
// the top is 1<<topShift, at each level down 1<<levelShift times smaller.
const (
	topShift   = 40
	levelShift = 20
)

// ParseAbove reads the value of AboveVariable. Without one there is no make
// above.
func ParseAbove(value string) Above {
	a := Above{Step: 1 << topShift}
	f := strings.SplitN(value, " ", 5)
	if len(f) != 5 {
		return a
	}
	if _, err := fmt.Sscan(f[1]+" "+f[2]+" "+f[3], &a.Serial, &a.Step, &a.Build); err != nil || a.Step == 0 {
		return Above{Step: 1 << topShift}
	}
	a.Root = f[4]
	if f[0] != "-" {
		a.Engine = f[0]
	}
	return a
}

func (a Above) String() string {
	engine := a.Engine
	if engine == "" {
		engine = "-"
	}
	return fmt.Sprintf("%s %d %d %d %s", engine, a.Serial, a.Step, a.Build, a.Root)
}

// SubMakeEnv gives the variables by which a make that f's recipe starts finds
// this one. The engine is started for it, so that all makes below share one, but
// only when something runs below: see startEngine.
func (b *Build) SubMakeEnv(f *makefile.File) []string {
	n := b.node(f)
	a := Above{
		Engine: b.opts.Above.Engine, Root: b.sp.root, Build: b.opts.Above.Build,
		Serial: cmp.Or(n.told, n.serial) - b.step, Step: max(b.step>>levelShift, 1),
	}
	if name := b.opts.Shared.engineName(); name != "" {
		a.Engine = name
	}
	return []string{AboveVariable + "=" + a.String()}
}
