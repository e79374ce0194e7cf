package main

import (
	"os"
	"syscall"
)

// flush makes the content of a file durable the way SQLite does it here.
func flush(file *os.File) error {
	return syscall.Fdatasync(int(file.Fd()))
}
