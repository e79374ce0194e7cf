//go:build !windows

package logging

// descriptor is what the system calls take for an open file.
type descriptor = int
