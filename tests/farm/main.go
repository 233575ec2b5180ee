// Command farm runs the tests' server of the Remote Execution API until it is interrupted, so
// that fmake and others can be tried with it: farm [ADDRESS [QUIRK...]]
//
// It runs whatever it is sent, in fresh directories, and asks nobody who they are: it is for
// this machine only.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"

	"fmake/tests/reapi"
)

func main() {
	words := slices.Concat(os.Args[1:], []string{"127.0.0.1:0"}[min(len(os.Args)-1, 1):])
	q, err := reapi.ParseQuirks(words[1:])
	if err == nil {
		err = serve(words[0], q)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "farm:", err)
		os.Exit(1)
	}
}

func serve(address string, q reapi.Quirks) error {
	s, err := reapi.Start(address, q, nil)
	if err != nil {
		return err
	}
	defer s.Stop()
	fmt.Println("grpc://" + s.Addr())
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt)
	<-done
	return nil
}
