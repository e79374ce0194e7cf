package process

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// This identifies the running process, or nothing where that cannot be read.
func This() ID {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ID{}
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ID{}
	}
	pid := int64(os.Getpid())
	start, alive := startOf(pid)
	if !alive {
		return ID{}
	}
	return ID{Host: strings.TrimSpace(string(boot)) + " " + space, PID: pid, Start: start}
}

// startOf gives when a process was started, in ticks since the boot; false means that there is no
// such process. A zombie has ended, though nobody has asked for its result yet.
func startOf(pid int64) (start int64, alive bool) {
	text, err := os.ReadFile("/proc/" + strconv.FormatInt(pid, 10) + "/stat")
	if err != nil {
		// What cannot be read may be alive: only a missing entry is a dead process.
		return 0, !errors.Is(err, fs.ErrNotExist)
	}
	// The name in parentheses may hold spaces and parentheses itself.
	_, rest, _ := cutLast(string(text), ") ")
	fields := strings.Fields(rest)
	const state, startTime = 0, 19 // fields 3 and 22, and two are cut off
	if len(fields) <= startTime {
		return 0, true
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return 0, false
	}
	start, err = strconv.ParseInt(fields[startTime], 10, 64)
	if err != nil {
		return 0, true
	}
	return start, true
}

func cutLast(text, separator string) (before, after string, found bool) {
	n := strings.LastIndex(text, separator)
	if n < 0 {
		return text, "", false
	}
	return text[:n], text[n+len(separator):], true
}
