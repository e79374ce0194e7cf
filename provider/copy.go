package provider

import "context"

// Copier is a store that can copy itself into a file while it is in use.
type Copier interface {
	// Copy begins a copy of everything that is committed now. The file appears under its name when the
	// copy is complete. ErrCannotOpen, also where there is such a file and it may not be replaced.
	Copy(ctx context.Context, path string, replace bool) (Copy, error)
}

// Copy is a copy in the making. While there is one, what is stored meanwhile takes space that is given
// back only afterwards. It is for one goroutine at a time.
type Copy interface {
	// Step copies so many more pages. With the last one the file is complete and on the disk, and the copy
	// is closed. After an error it is closed too, and has left nothing.
	Step(ctx context.Context, pages int) (CopyProgress, error)
	// Close gives up what is not complete. Closing twice is harmless.
	Close() error
}

// CopyProgress is how far a copy is. With nothing remaining it is complete.
type CopyProgress struct {
	Pages     int
	Remaining int
	// Bytes is the size of the complete file.
	Bytes int64
}
