// Package files keeps a database in one piece where others in the same process meet its files, and
// knows whether the files that SQLite has open are still those that bear their names.
//
// A record lock of POSIX belongs to a process and a file, and the first close of any descriptor of
// that file drops all of them: a copy for a backup, or a second SQLite library on the same file, takes
// the locks of the first one away. Others then believe to be alone, delete the log, or write beside
// it. So on Linux, here,
//
//   - the locks of SQLite belong to its open files (F_OFD_SETLK): those of the database by a switch of
//     the library, those of the index of the log by what stands here in place of fcntl. They survive
//     the descriptors of others, and keep a second library in the process out like another process;
//   - a descriptor is not closed while the process holds record locks of POSIX on its file, which can
//     only be somebody else's. It waits, without locks of its own, until they are gone.
//
// Elsewhere locks are what the system has. All functions are safe for concurrent use.
package files

import "errors"

// ErrMoved means that a name leads to another file than the one that is open, or to none.
var ErrMoved = errors.New("was deleted, moved or replaced")

// Stamp tells states of a file apart, but for what is written within a few milliseconds.
type Stamp struct {
	// AtNs is when it was written last, in nanoseconds since 1970.
	AtNs int64
	Size int64
}
