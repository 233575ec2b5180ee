// Package processes finds the processes of one build or engine by a mark in their
// environment, so that tests see which of them are left.
package processes

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// MarkVar is the environment variable that holds the mark.
const MarkVar = "FMAKE_TEST_MARK"

// Remains waits for all processes with the mark to end, and describes those that
// do not. The process zombie, 0 for none, is not waited for.
func Remains(mark string, zombie int) string {
	var left string
	for range 400 {
		left = ""
		for _, pid := range Marked(mark) {
			status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if err == nil && pid != zombie {
				left += string(status)
			}
		}
		if left == "" {
			return ""
		}
		time.Sleep(25 * time.Millisecond)
	}
	return left
}

// Marked returns the living processes with the mark.
func Marked(mark string) []int {
	var out []int
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err != nil || !bytes.Contains(env, []byte(MarkVar+"="+mark)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// WithRole returns the engine process with the mark that has a role, 0
// if there is none.
func WithRole(mark, role string) int {
	for _, pid := range Marked(mark) {
		args, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
		if err == nil && strings.HasSuffix(string(args), "\x00"+role+"\x00") && strings.Contains(string(args), "fmake-engine") {
			return pid
		}
	}
	return 0
}
