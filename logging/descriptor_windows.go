package logging

import "syscall"

// descriptor is what the system calls take for an open file.
type descriptor = syscall.Handle
