package exec

import "fmake/makefile"

// once gives one action to whatever recipe begins.
type once struct{ a Action }

func (o once) Begin(*makefile.File) (Action, error) { return o.a, nil }

// Again runs the recipe of a target once more when the walk is over: by itself, with
// nothing of it shown and nothing decided by it, and with some variables of its
// environment set otherwise. What comes of it is for the action to see.
func (s *Session) Again(f *makefile.File, a Action, vars []string) {
	s.guard(func() int {
		s.w.repeat(f, a, vars)
		return exitSuccess
	})
}

// repeat is Again for the walk. What it changes for the run it puts back, for what is
// still to be told of the first one.
func (w *Walk) repeat(f *makefile.File, a Action, vars []string) {
	run, dontCare := f.Run, f.DontCare
	opt, watch, slots, taken, extra := w.opt, w.watch, w.slots, w.stdinTaken, w.vars
	mode, silent, traced := w.con.mode, w.con.silent, w.con.traced
	defer func() {
		f.Run, f.DontCare = run, dontCare
		w.opt, w.watch, w.slots, w.stdinTaken, w.vars = opt, watch, slots, taken, extra
		w.con.mode, w.con.silent, w.con.traced = mode, silent, traced
	}()
	f.DontCare = true // its failure does not end make
	f.Run.State, f.Run.Status = stateIdle, StatusNone
	w.opt.Actions, w.opt.Referee = once{a}, nil
	w.watch, w.slots, w.stdinTaken, w.vars = nil, 1, true, vars
	w.con.mode, w.con.silent = SyncNone, true
	w.db.InitFileVars(f, false)
	w.newJob(f)
}
