//go:build !amd64

package server

// oldCalls knows the system calls that newer machines do not have.
func oldCalls(int) (call, bool) { return 0, false }

// oldCreat is true for creat, which newer machines do not have.
func oldCreat(int) bool { return false }
