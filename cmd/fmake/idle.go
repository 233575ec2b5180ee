package main

import (
	"fmake/cache"
	"fmake/exec/build"
	"fmake/exec/flags"
	"fmake/exec/idle"
	"fmake/tracefs"
)

// replay ends a make at once that has nothing to do, see package idle. If it has, the
// recorder, which may be nil, is for the make that has to be run.
func replay(args, env []string) (status int, done bool, r *idle.Recorder) {
	if tracefs.InView() {
		return 0, false, nil // here looks are inputs of a recipe: it has to read what it goes by
	}
	dir, err := cache.DefaultDir(env)
	if err != nil {
		return 0, false, nil
	}
	key, ok := idle.NewKey(dir, args, env, cache.BootID())
	if !ok {
		return 0, false, nil
	}
	return idle.Replay(key)
}

// keepIdle writes down that this make had nothing to do, if that is so.
func (p *program) keepIdle(status int) {
	asked := status == 1 && p.session.Flags().On(flags.Question)
	if p.traced && (status == 0 || asked) && p.repeatable() {
		p.idle.Save(status)
	}
}

// repeatable tells whether what was asked for has the same answer as long as nothing
// changes, and whether the cache may remember it.
func (p *program) repeatable() bool {
	f := p.session.Flags()
	if f.On(flags.DebugAll) || len(f.List(flags.Debug)) > 0 || f.On(flags.PrintDatabase) || f.Text(flags.Shuffle) != "" {
		return false // processes, times and chance are told
	}
	return p.own.trace != "off" && build.ModeOf(p.own.cache) == build.CacheOn && p.own.cacheDir == "" && !p.own.shows()
}
