package server

import (
	"os"
	"testing"

	"fmake/tracefs/procfs"
)

// TestDeviceUsedAgain: the kernel gives the device number of a view that is gone to the
// next one, which may be there before the engine has heard that the first is gone.
func TestDeviceUsedAgain(t *testing.T) {
	device, err := procfs.RootDevice(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	first, second := new(view), new(view)
	c := newCallers()
	c.add(device, first)
	c.add(device, second)
	c.remove(device, first)
	if got := c.viewOf(uint32(os.Getpid())); got != second {
		t.Errorf("viewOf: %p, want the second view %p (first %p)", got, second, first)
	}
	if c.remove(device, second); c.viewOf(uint32(os.Getpid())) != nil {
		t.Error("a view that is gone has callers")
	}
}
