package files

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// The functions in the table of system calls of SQLite's VFS for Unix that are replaced.
type (
	openCall  = func(tls *libc.TLS, path uintptr, flags, mode int32) int32
	closeCall = func(tls *libc.TLS, fd int32) int32
	fcntlCall = func(tls *libc.TLS, fd, command int32, args uintptr) int32
)

// What stood there before; written once.
var (
	openBefore  openCall
	closeBefore closeCall
	fcntlBefore fcntlCall
)

// Install makes SQLite use what this package says. It must have been called before the first database
// is opened in this process; further calls do nothing.
func Install() error { return install() }

var install = sync.OnceValue(func() error {
	// Where the kernel has no such locks, the library falls back to those of POSIX.
	if _, err := sqlite.OFDLocking(true); err != nil && !errors.Is(err, sqlite.ErrOFDLockingUnavailable) {
		return err
	}
	tls := libc.NewTLS()
	defer tls.Close()
	vfs := lib.Xsqlite3_vfs_find(tls, 0)
	if vfs == 0 {
		return errors.New("sqlite has no VFS")
	}
	var err error
	if openBefore, err = replace[openCall](tls, vfs, "open", openFile); err != nil {
		return err
	}
	if closeBefore, err = replace[closeCall](tls, vfs, "close", closeFile); err != nil {
		return err
	}
	fcntlBefore, err = replace[fcntlCall](tls, vfs, "fcntl", lockFile)
	return err
})

// replace puts a function into the table and gives the one before. For SQLite, a function is what a
// variable holds that has it as its value.
func replace[F any](tls *libc.TLS, vfs uintptr, name string, now F) (before F, err error) {
	text, err := libc.CString(name)
	if err != nil {
		return before, fmt.Errorf("replace %s: %w", name, err)
	}
	defer libc.Xfree(tls, text)
	table := *(**lib.Tsqlite3_vfs)(unsafe.Pointer(&vfs)) //nolint:gosec // as the library does
	get := function[func(tls *libc.TLS, vfs, name uintptr) uintptr](table.FxGetSystemCall)
	set := function[func(tls *libc.TLS, vfs, name, call uintptr) int32](table.FxSetSystemCall)
	was := get(tls, vfs, text)
	if was == 0 {
		return before, fmt.Errorf("replace %s: sqlite makes no such call", name)
	}
	pointer := *(*uintptr)(unsafe.Pointer(&now)) //nolint:gosec // as the library does
	if code := set(tls, vfs, text, pointer); code != lib.SQLITE_OK {
		return before, fmt.Errorf("replace %s: code %d", name, code)
	}
	return function[F](was), nil
}

// function makes a function of what one is for SQLite.
func function[F any](pointer uintptr) F {
	return *(*F)(unsafe.Pointer(&struct{ uintptr }{pointer})) //nolint:gosec // as the library does
}
