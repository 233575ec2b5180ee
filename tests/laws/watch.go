package laws

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// process is one entry of the process table.
type process struct {
	pid   int
	name  string
	state byte
	start string // with the pid it names the process for good
}

// marked returns the processes whose environment holds a mark. The
// environment of a process is read at most once, and never that of one that
// sleeps uninterruptibly: reading it could hang as well.
type marked struct {
	mu    sync.Mutex
	mark  string
	known map[string]bool // by pid and start
}

func newMarked(mark string) *marked { return &marked{mark: mark, known: map[string]bool{}} }

func (m *marked) list() []process {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []process
	for _, d := range names {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok && p.state != 'Z' && m.has(p) {
			found = append(found, p)
		}
	}
	return found
}

func readProcess(pid int) (process, bool) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 20 {
		return process{}, false
	}
	return process{pid: pid, name: string(data[open+1 : end]), state: fields[0][0], start: fields[19]}, true
}

func (m *marked) has(p process) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := fmt.Sprint(p.pid, " ", p.start)
	if is, found := m.known[key]; found && is {
		return true // a mark is inherited, but a fork may show it late
	}
	if p.state == 'D' {
		return false
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	if err != nil || len(env) == 0 {
		return false
	}
	is := bytes.Contains(env, []byte(markVar+"="+m.mark+"\x00"))
	if is {
		m.known[key] = true
	}
	return is
}

// gone waits until no marked process is left and returns those that stay.
func (m *marked) gone(patience time.Duration) []process {
	deadline := time.Now().Add(patience)
	for {
		left := m.list()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// watchdog reports marked processes that sleep uninterruptibly for five
// seconds: a view operation that waits for something (law 7).
func (m *marked) watchdog(stop <-chan struct{}, report func(string)) {
	since := map[string]time.Time{}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			stuck := map[string]time.Time{}
			for _, p := range m.list() {
				if p.state != 'D' {
					continue
				}
				key := fmt.Sprint(p.pid, " ", p.start)
				stuck[key] = now
				if first, found := since[key]; found {
					stuck[key] = first
				}
				if now.Sub(stuck[key]) >= 5*time.Second {
					report(fmt.Sprintf("process %d (%s) sleeps uninterruptibly for 5 s", p.pid, p.name))
				}
			}
			since = stuck
		}
	}
}
