//go:build !windows

package main

// descriptor is what the system calls take for an open file.
type descriptor = int
