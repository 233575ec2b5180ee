// Command serve runs the server of package reapi by itself, for trying things out:
//
//	serve ADDRESS [QUIRK...]
//
// It prints where it is, and ends with its standard input.
package main

import (
	"fmt"
	"io"
	"os"

	"fmake/tests/reapi"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: serve ADDRESS [QUIRK...]")
		os.Exit(2)
	}
	q, err := reapi.ParseQuirks(os.Args[2:])
	if err == nil {
		err = serve(os.Args[1], q)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

func serve(addr string, q reapi.Quirks) error {
	s, err := reapi.Start(addr, q, nil)
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Println("grpc://" + s.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	fmt.Println(s.Results(), "results;", s.Calls())
	return err
}
