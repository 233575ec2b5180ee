//go:build !amd64

package server

// There is no stub for other kinds of processors, so nothing is caught.
const (
	ownClass   = 0
	ownMachine = 0
)
