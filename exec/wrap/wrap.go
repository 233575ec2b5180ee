// Package wrap puts wrappers in the place of programs, so that they run with the libraries
// of a label without being started in any special way.
//
// # Model
//
// The program is kept beside its place under another name, and a wrapper (package plan) is
// moved to its place in one step, so that there is a program at any time. Unwrapping moves
// the program back. A package manager that upgrades the program puts the new one in the
// place of the wrapper; that is found by looking at what stands there, and nothing but the
// kept program is removed then.
//
// The label's files stand in a folder of their own, the tree, which all wrappers of the
// label share. Whoever may run the program has to be able to read it.
//
// # Capabilities
//
// Where user namespaces are forbidden, only root can run what is wrapped, unless the wrapper
// has the file capability CAP_SYS_ADMIN, which root can give it. What its user gains by that
// is to see the label's files at their places, and nothing else:
//
//   - What is mounted, and where, stands in the wrapper's own file, which root alone can
//     write; it is read through /proc/self/exe, and so from the file that has the capability,
//     whatever it was called by. Neither words nor environment nor descriptors have a say.
//   - The wrapper links no library and reads no configuration. Who traces it, or has set
//     no_new_privs, or is in a user namespace of his own, gets it without the capability.
//   - All paths are root's alone, when programs are wrapped and at each start, before
//     anything is mounted (plan.Guard): nobody can put something else there in between.
//   - The mounts are in a namespace that the wrapper has made for itself; if one of them
//     fails, the program does not start.
//   - The program gets neither the capability nor, by no_new_privs, any other right: a
//     setuid program that it starts, and that finds the label's libraries, has those of its
//     user.
package wrap

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"fmake/cache/labels"
	"fmake/exec/wrap/plan"
)

// State says what stands in the place of a program that was wrapped.
type State int

// The states.
const (
	Wrapped  State = iota // the wrapper
	Replaced              // something else: the program was upgraded, say
	Missing               // nothing
)

// StateOf looks at the place of a program that a label says is wrapped.
func StateOf(program string) State {
	if _, err := os.Lstat(program); errors.Is(err, fs.ErrNotExist) {
		return Missing
	}
	if _, err := plan.Read(program); err != nil {
		return Replaced
	}
	return Wrapped
}

// Kept is where a program is kept while a wrapper stands in its place.
func Kept(program string) string {
	return filepath.Join(filepath.Dir(program), "."+filepath.Base(program)+".unlabelled")
}

// Wrap puts wrappers, which are copies of the program at stub, in the place of programs,
// and notes that in the label. What was done for some stays if another one fails. With
// capability the wrappers need no user namespaces; it takes root.
func Wrap(s *labels.Shelf, l *labels.Label, stub string, programs []string, capability bool) error {
	if l.Tree == "" {
		return errors.New("the label has no tree")
	}
	if capability && os.Geteuid() != 0 {
		return errors.New("only root can give a wrapper a capability")
	}
	for _, e := range l.Tops() {
		if dir := filepath.Dir(e.Path); labels.Below(l.Tree, dir) {
			return fmt.Errorf("the label's files cannot be laid out in %s: it is below %s, where one of them is to be seen", l.Tree, dir)
		}
	}
	if err := layOut(s, l); err != nil {
		return fmt.Errorf("lay out label %s: %w", l.Name, err)
	}
	code, err := os.ReadFile(stub)
	if err != nil {
		return fmt.Errorf("the wrapper's program: %w", err)
	}
	for _, name := range programs {
		program, err := filepath.EvalSymlinks(name)
		if err == nil {
			program, err = filepath.Abs(program)
		}
		if err != nil {
			return fmt.Errorf("wrap: %w", err)
		}
		if err := wrapOne(l, code, program, capability); err != nil {
			return fmt.Errorf("wrap %s: %w", program, err)
		}
		l.Wrapped = append(l.Wrapped, program)
		if err := s.Replace(l); err != nil {
			return errors.Join(err, unwrapOne(program))
		}
	}
	return nil
}

// wrapOne wraps one program.
func wrapOne(l *labels.Label, code []byte, program string, capability bool) error {
	var st unix.Stat_t
	if err := unix.Lstat(program, &st); err != nil {
		return err
	}
	if err := canWrap(program, &st); err != nil {
		return err
	}
	p := &plan.Plan{Label: l.Name, Program: program, Real: Kept(program), Tree: l.Tree}
	for _, e := range l.Tops() {
		p.Tops = append(p.Tops, plan.Top{Path: e.Path, Kind: byte(e.Kind)})
	}
	temp, err := writeWrapper(program, p.Append(code), &st)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	if capability {
		if err := empower(temp, p); err != nil {
			return err
		}
	}
	if err := os.Link(program, p.Real); err != nil {
		return err
	}
	if err := os.Rename(temp, program); err != nil {
		os.Remove(p.Real)
		return err
	}
	return nil
}

// canWrap returns an error for what cannot be wrapped.
func canWrap(program string, st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Mode&0o111 == 0 {
		return errors.New("it is no program")
	}
	p, err := plan.Read(program)
	switch {
	case err == nil:
		return fmt.Errorf("it is wrapped already, with label %s", p.Label)
	case !errors.Is(err, plan.ErrNone):
		return err
	}
	if n, _ := unix.Lgetxattr(program, capabilityAttr, nil); n > 0 || st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 {
		return errors.New("it runs with other rights than its user's, which a wrapper cannot hand on")
	}
	if _, err := os.Lstat(Kept(program)); err == nil {
		return fmt.Errorf("it was replaced after it had been wrapped; unwrap it first (%s)", Kept(program))
	}
	return nil
}

// writeWrapper writes a wrapper beside its place, with the mode and the owner of the program.
func writeWrapper(program string, data []byte, st *unix.Stat_t) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(program), ".frun-wrapper-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	_, err = f.Write(data)
	if err == nil && os.Geteuid() == 0 {
		err = f.Chown(int(st.Uid), int(st.Gid))
	}
	if err == nil {
		// Its user has to be able to read the plan in it.
		err = f.Chmod(fs.FileMode(st.Mode&0o777) | 0o444&(fs.FileMode(st.Mode&0o111)<<2))
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

// Unwrap puts programs back, all of the label's if none are named. It returns those that
// were replaced meanwhile, and so are left as they are.
func Unwrap(s *labels.Shelf, l *labels.Label, programs []string) (replaced []string, err error) {
	wanted := map[string]bool{}
	for _, name := range programs {
		program, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		if real, err := filepath.EvalSymlinks(program); err == nil {
			program = real
		}
		wanted[program] = true
	}
	var left []string
	for _, program := range l.Wrapped {
		if len(programs) > 0 && !wanted[program] {
			left = append(left, program)
			continue
		}
		delete(wanted, program)
		if StateOf(program) != Wrapped {
			replaced = append(replaced, program)
		}
		if err := unwrapOne(program); err != nil {
			return replaced, fmt.Errorf("unwrap %s: %w", program, err)
		}
	}
	for program := range wanted {
		return replaced, fmt.Errorf("%s is not wrapped with label %s", program, l.Name)
	}
	if l.Wrapped = left; len(left) == 0 {
		if err := os.RemoveAll(l.Tree); err != nil {
			return replaced, err
		}
		l.Tree = ""
	}
	return replaced, s.Replace(l)
}

// unwrapOne puts a program back, or forgets the kept one if another has taken its place.
func unwrapOne(program string) error {
	if StateOf(program) == Wrapped {
		return os.Rename(Kept(program), program)
	}
	if err := os.Remove(Kept(program)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
