//go:build !cgo

package main

import (
	"errors"
	"os"
)

// makePipe is not there: named pipes of Windows are opened in another way.
func makePipe(string) (*os.File, error) {
	return nil, errors.ErrUnsupported
}
