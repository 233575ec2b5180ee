package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"

	"fmake/tracefs"
)

// instead does what is asked about the cache, if anything is.
func (p *program) instead() (status int, done bool) {
	if p.own.manage == nil {
		return 0, false
	}
	if err := p.manage(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) { // else the engine has said what is wrong
			fmt.Fprintln(os.Stderr, "fmake: "+err.Error())
		}
		return 2, true
	}
	return 0, true
}

// manage has the engine, which is the program with the store in it, do it.
func (p *program) manage() error {
	if len(p.own.wrong) > 0 {
		return errors.New(p.own.wrong[0])
	}
	dir, err := p.cacheDir()
	if err != nil {
		return err
	}
	engine, err := tracefs.EnginePath("")
	if err != nil {
		return err
	}
	cmd := exec.Command(engine, append([]string{"cache", dir}, p.own.manage...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
