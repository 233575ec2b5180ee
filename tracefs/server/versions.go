package server

import "sync"

// version is what one action left, or is leaving, at one path.
type version struct {
	serial uint64
	view   uint32
}

// versions is, for each path that actions of this engine write, the chain of
// their versions in serial order. The newest one stands in the tree.
type versions struct {
	mu     sync.Mutex
	chains map[string][]version
}

func newVersions() *versions { return &versions{chains: map[string][]version{}} }

// add notes that a view begins a version at path.
func (vs *versions) add(path string, v *view) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	chain := vs.chains[path]
	at := len(chain)
	for at > 0 && chain[at-1].serial > v.serial {
		at--
	}
	if at > 0 && chain[at-1].serial == v.serial && chain[at-1].view == v.id {
		return
	}
	chain = append(chain, version{})
	copy(chain[at+1:], chain[at:])
	chain[at] = version{serial: v.serial, view: v.id}
	vs.chains[path] = chain
}

// hides tells whether path is absent for the view although it stands in the
// tree. This is the one place where a view's picture of the tree is decided:
// looks, opens and listings all ask it.
func (v *view) hides(path string) bool {
	if v == nil || !v.hiding.Load() {
		return false
	}
	v.hiddenMu.Lock()
	defer v.hiddenMu.Unlock()
	return v.hidden[path]
}
