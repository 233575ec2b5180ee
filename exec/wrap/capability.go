package wrap

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"fmake/exec/wrap/plan"
)

// The attribute of a file that holds its capabilities, as <linux/capability.h> has it: two
// sets, permitted and inheritable, of which the first is in force from the start.
const (
	capabilityAttr = "security.capability"
	capRevision2   = 0x02000000
	capEffective   = 1
	capSetSize     = 20
)

// empower gives a wrapper the capability to mount.
func empower(wrapper string, p *plan.Plan) error {
	if err := p.Guard(); err != nil {
		return fmt.Errorf("a wrapper with a capability needs paths that are root's alone: %w", err)
	}
	set := make([]byte, capSetSize)
	binary.LittleEndian.PutUint32(set, capRevision2|capEffective)
	binary.LittleEndian.PutUint32(set[4:], 1<<unix.CAP_SYS_ADMIN)
	if err := unix.Setxattr(wrapper, capabilityAttr, set, 0); err != nil {
		return fmt.Errorf("give the wrapper a capability: %w", err)
	}
	return nil
}
