// Command note tells the test that runs a script that a recipe has run: it
// sends its arguments as one message to the abstract unix socket named by
// FMAKE_TEST_NOTE. It looks up no file and leaves none, so that noting does not
// change what is known of the recipe.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func main() {
	if err := send(os.Getenv("FMAKE_TEST_NOTE"), strings.Join(os.Args[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, "note:", err)
		os.Exit(1)
	}
}

func send(socket, text string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	return syscall.Sendto(fd, []byte(text), 0, &syscall.SockaddrUnix{Name: socket})
}
