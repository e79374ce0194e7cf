//go:build !cgo

package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"duroxide/logging"
)

// Exit codes that the JavaScript side knows.
const (
	exitFailed       = 1
	exitOtherVersion = 65
)

// windDown bounds how long the stores of a host that has ended may take to close.
const windDown = 5 * time.Second

// main serves the process that started it: frames come through standard input and go through standard
// output. Arguments: the version that is expected, the folder for the pipes of synchronous calls, and
// the number after which those of stores begin.
func main() {
	// A terminal and an init system signal the whole group. When the host ends, so does its pipe: until
	// then it may want to end in order, for which it needs the engine. Whoever does not read any more
	// is an error of writing.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	os.Exit(serveParent(os.Args[1:]))
}

func serveParent(args []string) int {
	const expectedArguments = 3
	if len(args) != expectedArguments {
		logging.ToStderr([]byte("this is the engine of duroxide " + version +
			", which the package starts when it needs it\n"))
		return exitFailed
	}
	if args[0] != version {
		return exitOtherVersion
	}
	firstID, err := strconv.ParseUint(args[2], 10, 64)
	orderly := false
	if err == nil {
		calls := func(h *host) { callsThroughFiles(h, args[1]) }
		orderly, err = servePipes(os.Stdin, os.Stdout, firstID, calls)
	}
	if orderly {
		waitForStores()
	}
	if err != nil {
		logging.ToStderr(fmt.Appendf(nil, "the engine of duroxide ends: %v\n", err))
		return exitFailed
	}
	return 0
}

// callsThroughFiles serves synchronous calls through two pipes in a folder. They are opened for both
// directions, so that opening them never waits and they do not end before this process.
func callsThroughFiles(h *host, folder string) {
	answers, err := makePipe(filepath.Join(folder, "answers"))
	if err == nil {
		var requests *os.File
		// The host sees that the pipes are there by this one.
		if requests, err = makePipe(filepath.Join(folder, "requests")); err == nil {
			start(func() { _ = serveCalls(h, requests, answers) }, nil) // it ends with the process
			return
		}
	}
	logging.ToStderr(fmt.Appendf(nil, "the engine of duroxide cannot be called: %v\n", err))
}

// waitForStores lets the stores of the host that has ended give back what they hold.
func waitForStores() {
	closed := make(chan struct{})
	start(func() {
		abandoning.Wait()
		close(closed)
	}, nil)
	select {
	case <-closed:
	case <-time.After(windDown):
	}
}
