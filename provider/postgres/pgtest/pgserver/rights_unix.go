//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	// stopSignal makes the server cut its connections and end in order.
	stopSignal = syscall.SIGINT
	// quitSignal makes the server end at once, without tidying up.
	quitSignal = syscall.SIGQUIT
)

// endSignals end this program in order.
var endSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}

// standApart keeps away what is sent to the group of the tests, of which this program outlives the
// end by a moment. A reply that nobody reads must not end it either.
func standApart() {
	signal.Ignore(syscall.SIGPIPE)
	_, _ = syscall.Setsid() // fails for the leader of a group only, which stands apart already
}

// account gives the user that a server started by root runs as, because it refuses root.
func account() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		u, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		g, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return uint32(u), uint32(g), true
		}
	}
	return 65534, 65534, true
}

func dropRights(command *exec.Cmd) {
	if uid, gid, ok := account(); ok {
		command.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uid, Gid: gid},
		}
	}
}

// giveAway gives a file or folder to the user that the server runs as.
func giveAway(path string) error {
	uid, gid, ok := account()
	if !ok {
		return nil
	}
	if err := os.Chown(path, int(uid), int(gid)); err != nil {
		return fmt.Errorf("give %s to the server: %w", filepath.Base(path), err)
	}
	return nil
}
