package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"fmake/cache"
	"fmake/tracefs"
)

// defaultCacheSize is what --cache-gc leaves where no size is given. The engine
// keeps the cache to the same by itself.
const defaultCacheSize = "10G"

// parseSize reads a number of bytes, with K, M, G or T behind it for powers of
// 1000.
func parseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	for i, letter := range []string{"K", "M", "G", "T"} {
		if n, ok := strings.CutSuffix(strings.ToUpper(text), letter); ok {
			number = n
			for range i + 1 {
				unit *= 1000
			}
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n*float64(unit) > 1<<62 {
		return 0, errors.New("the value must be a size such as 500M or 10G")
	}
	return int64(n * float64(unit)), nil
}

// badSize says what is wrong with the value of --cache-gc.
func badSize(text string) string {
	if _, err := parseSize(text); err != nil {
		return err.Error()
	}
	return ""
}

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

func (p *program) manage() error {
	if len(p.own.wrong) > 0 {
		return errors.New(p.own.wrong[0])
	}
	dir := p.own.cacheDir
	if dir == "" {
		var err error
		if dir, err = cache.DefaultDir(p.env); err != nil {
			return err
		}
	}
	engine, err := tracefs.EnginePath("")
	if err != nil {
		return err
	}
	args := []string{"cache", dir}
	for _, word := range p.own.manage {
		if p.own.manage[0] == "gc" && word != "gc" {
			n, err := parseSize(word)
			if err != nil {
				return err
			}
			word = strconv.FormatInt(n, 10)
		}
		args = append(args, word)
	}
	cmd := exec.Command(engine, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
