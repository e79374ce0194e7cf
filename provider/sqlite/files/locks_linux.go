package files

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// What is known of locks that belong to open files.
const (
	notTried int32 = iota
	supported
	refused
)

// owned says whether locks belong to open files. The first lock of a database decides; those of its
// log come after it.
var owned atomic.Int32

// Owned reports whether locks survive that others close the file: false means that the kernel or the
// file system has refused such locks, or that no lock was needed yet.
func Owned() bool { return owned.Load() == supported }

// lockFile stands in place of fcntl. The library asks for the locks of the database with the commands
// of open files already.
func lockFile(tls *libc.TLS, fd, command int32, args uintptr) int32 {
	if (command == lib.F_OFD_SETLK || command == lib.F_SETLK) &&
		lockIn(args).Fl_type == lib.F_WRLCK && isFrozen(fd) {
		setErrno(tls, syscall.EAGAIN)
		return -1
	}
	switch command {
	case lib.F_OFD_SETLK:
		return tried(tls, fcntlBefore(tls, fd, command, args))
	case lib.F_OFD_GETLK:
		return tried(tls, fcntlBefore(tls, fd, command, args))
	case lib.F_SETLK, lib.F_GETLK:
		if !Owned() {
			break
		}
		lockIn(args).Fl_pid = 0 // as these commands demand
		if command == lib.F_SETLK {
			return noted(fd, lockIn(args), fcntlBefore(tls, fd, lib.F_OFD_SETLK, args))
		}
		return fcntlBefore(tls, fd, lib.F_OFD_GETLK, args)
	}
	result := fcntlBefore(tls, fd, command, args)
	if command == lib.F_SETLK {
		noted(fd, lockIn(args), result)
	}
	return result
}

// tried takes note of what the kernel says to a lock that belongs to an open file.
func tried(tls *libc.TLS, result int32) int32 {
	if owned.Load() == notTried {
		if result == -1 && errno(tls) == syscall.EINVAL {
			owned.CompareAndSwap(notTried, refused)
		} else {
			owned.CompareAndSwap(notTried, supported)
		}
	}
	return result
}

// firstLock is the place in the index of a log that is locked exclusively by who opens it while nobody
// else has it.
const firstLock = 128

// noted takes note of a lock that only the first one gets.
func noted(fd int32, lock *lib.Tflock, result int32) int32 {
	if result == 0 && lock.Fl_type == lib.F_WRLCK && lock.Fl_start == firstLock && lock.Fl_len == 1 {
		markFirst(fd)
	}
	return result
}

// lockIn gives the lock that a call of fcntl is about.
func lockIn(args uintptr) *lib.Tflock {
	lock := libc.VaUintptr(&args)
	return *(**lib.Tflock)(unsafe.Pointer(&lock)) //nolint:gosec // as the library does
}

func errno(tls *libc.TLS) syscall.Errno {
	at := libc.X__errno_location(tls)
	return syscall.Errno(**(**int32)(unsafe.Pointer(&at))) //nolint:gosec // as the library does
}

func setErrno(tls *libc.TLS, code syscall.Errno) {
	at := libc.X__errno_location(tls)
	**(**int32)(unsafe.Pointer(&at)) = int32(code) //nolint:gosec // as the library does
}
