package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// stateZombie is SZOMB of sys/proc.h: the process has ended, though nobody has asked for its result.
const stateZombie = 5

// This identifies the running process, or nothing where that cannot be read.
func This() ID {
	// A random name of this boot: that of another machine, or of another boot, differs.
	boot, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil || boot == "" {
		return ID{}
	}
	pid := int64(os.Getpid())
	start, alive := startOf(pid)
	if !alive || start == 0 {
		return ID{}
	}
	return ID{Host: "darwin " + boot, PID: pid, Start: start}
}

// startOf gives when a process was started, in microseconds; zero where it cannot be read, and false
// where there is certainly no such process.
func startOf(pid int64) (start int64, alive bool) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", int(pid))
	if err != nil {
		// The answer for a missing process is empty, which is one error among others.
		return 0, !errors.Is(unix.Kill(int(pid), 0), unix.ESRCH)
	}
	if info.Proc.P_stat == stateZombie {
		return 0, false
	}
	started := info.Proc.P_starttime
	const microseconds = 1_000_000
	return started.Sec*microseconds + int64(started.Usec), true
}
