//go:build !unix

package files

// Install does nothing here.
func Install() error { return nil }

// Owned reports whether locks survive that others close the file. Here they do.
func Owned() bool { return true }

// Set stands for files that nobody can move while they are open.
type Set struct{}

// Opened gives the files of a database that was just opened.
func Opened(_, _ string) (*Set, error) { return &Set{}, nil }

// Check finds nothing.
func (*Set) Check() error { return nil }

// Joined finds nothing.
func (*Set) Joined() error { return nil }

// Writable leaves it to SQLite to find out.
func Writable(string) error { return nil }

// Written cannot say.
func (*Set) Written() (Stamp, bool) { return Stamp{}, false }

// First cannot say.
func (*Set) First() bool { return true }

// LogIsGone reports nothing.
func (*Set) LogIsGone() bool { return false }

// Freeze does nothing.
func (*Set) Freeze() bool { return false }
