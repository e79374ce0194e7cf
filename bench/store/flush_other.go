//go:build !linux

package main

import "os"

// flush makes the content of a file durable.
func flush(file *os.File) error {
	return file.Sync()
}
