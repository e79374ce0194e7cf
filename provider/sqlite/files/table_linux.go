package files

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// handle is a descriptor that SQLite has open, or believes to have closed.
type handle struct {
	fd   int32
	path string
	id   identity
	// frozen refuses exclusive locks: see Freeze.
	frozen bool
	// first says that nobody else had the file when it was opened.
	first bool
}

var table = struct {
	sync.Mutex
	// open has the newest last. There are few: three for each connection.
	open []handle
	// waiting are those that SQLite has closed.
	waiting []int32
}{}

// openFile stands in place of open.
func openFile(tls *libc.TLS, path uintptr, flags, mode int32) int32 {
	closeWaiting()
	fd := openBefore(tls, path, flags, mode)
	if fd < 0 {
		return fd
	}
	h := handle{fd: fd, path: libc.GoString(path)}
	h.id, _ = identityOf(int(fd)) // zero, which no file has, where that fails
	table.Lock()
	defer table.Unlock()
	table.open = append(table.open, h)
	return fd
}

// closeFile stands in place of close.
func closeFile(tls *libc.TLS, fd int32) int32 {
	closeWaiting()
	table.Lock()
	for n := range table.open {
		if table.open[n].fd == fd {
			table.open = slices.Delete(table.open, n, n+1)
			break
		}
	}
	table.Unlock()
	if !Owned() || !othersLock(fd) {
		return closeBefore(tls, fd)
	}
	// What the end of the descriptor would have ended too.
	everything := syscall.Flock_t{Type: syscall.F_UNLCK}
	if lockOwned(fd, &everything) != nil {
		return closeBefore(tls, fd)
	}
	table.Lock()
	defer table.Unlock()
	table.waiting = append(table.waiting, fd)
	return 0
}

// closeWaiting closes the descriptors that may be closed by now.
func closeWaiting() {
	table.Lock()
	defer table.Unlock()
	left := table.waiting[:0]
	for _, fd := range table.waiting {
		if othersLock(fd) {
			left = append(left, fd)
		} else {
			_ = syscall.Close(int(fd)) // there is nobody to tell
		}
	}
	table.waiting = left
}

func lockOwned(fd int32, lock *syscall.Flock_t) error {
	return syscall.FcntlFlock(uintptr(fd), lib.F_OFD_SETLK, lock) //nolint:gosec // it is not negative
}

// beyond is a place in a file that nobody locks.
const beyond = 1 << 62

// othersLock reports whether this process holds record locks of POSIX on the file of a descriptor. The
// kernel lists all locks of the machine, each with the number of its file as the kernel has it, which
// need not be the one that others are told: so the descriptor gets a lock to show what it is.
func othersLock(fd int32) bool {
	lock := syscall.Flock_t{Type: syscall.F_RDLCK, Start: beyond, Len: 1}
	if lockOwned(fd, &lock) != nil {
		return false
	}
	defer func() {
		lock.Type = syscall.F_UNLCK
		_ = lockOwned(fd, &lock) // it ends with the descriptor anyway
	}()
	own, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(fd)))
	if err != nil {
		return false
	}
	file := ""
	for line := range strings.Lines(string(own)) {
		if rest, ok := strings.CutPrefix(line, "lock:"); ok {
			file = lockedFile(strings.Fields(rest))
		}
	}
	all, err := os.ReadFile("/proc/locks")
	if err != nil || file == "" {
		return false
	}
	pid := strconv.Itoa(os.Getpid())
	for line := range strings.Lines(string(all)) {
		fields := strings.Fields(line)
		if lockedFile(fields) == file && fields[1] == "POSIX" && fields[4] == pid {
			return true
		}
	}
	return false
}

// lockedFile gives the file in a line of the kernel about a lock: number, kind, mode, access, process,
// file, and the range. A lock that waits for another one is no lock.
func lockedFile(fields []string) string {
	const file = 5
	if len(fields) <= file || fields[1] == "->" {
		return ""
	}
	return fields[file]
}

// newest gives what SQLite has opened last under a name.
func newest(path string) (handle, bool) {
	table.Lock()
	defer table.Unlock()
	for _, h := range slices.Backward(table.open) {
		if h.path == path {
			return h, true
		}
	}
	return handle{}, false
}

// identify takes what SQLite has opened.
func (f *file) identify() error {
	h, ok := newest(f.opened)
	if !ok {
		return fmt.Errorf("sqlite has not opened %s", f.opened)
	}
	f.fd, f.first = h.fd, h.first
	f.id.Store(&h.id)
	return nil
}

func markFirst(fd int32) {
	table.Lock()
	defer table.Unlock()
	for n := range table.open {
		if table.open[n].fd == fd {
			table.open[n].first = true
		}
	}
}

// current gives what the system says now of a file that is open.
func current(fd int32, path string) (identity, bool) {
	table.Lock()
	defer table.Unlock()
	for n := range table.open {
		if table.open[n].fd == fd && table.open[n].path == path {
			id, err := identityOf(int(fd))
			return id, err == nil
		}
	}
	return identity{}, false
}

// isNewest reports whether what SQLite has opened last under a name is still the same file.
func (f *file) isNewest() bool {
	last, ok := newest(f.opened)
	if !ok {
		return false
	}
	its, ok := current(last.fd, f.opened)
	own, known := current(f.fd, f.opened)
	return ok && known && its == own
}

func freeze(id identity) bool {
	table.Lock()
	defer table.Unlock()
	for n := range table.open {
		if table.open[n].id == id {
			table.open[n].frozen = true
		}
	}
	return true
}

func isFrozen(fd int32) bool {
	table.Lock()
	defer table.Unlock()
	for n := range table.open {
		if table.open[n].fd == fd {
			return table.open[n].frozen
		}
	}
	return false
}
