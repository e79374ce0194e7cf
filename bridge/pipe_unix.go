//go:build !cgo && !windows

package main

import (
	"fmt"
	"os"
	"syscall"
)

// makePipe makes a named pipe for this user only, under another name first: whoever sees the name can
// open the pipe without waiting.
func makePipe(path string) (*os.File, error) {
	const own = 0o600
	if err := syscall.Mkfifo(path+".new", own); err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	file, err := os.OpenFile(path+".new", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open a pipe: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, fmt.Errorf("name a pipe: %w", err)
	}
	return file, nil
}
