// Package process tells whether the process that took a lease has ended, where that can be known: on
// the same machine. So a process that takes the place of one that was killed need not wait for the
// lease to end. All functions are safe for concurrent use.
package process

// ID identifies a process among all of all machines. Without a Host nothing can be said about it.
type ID struct {
	// Host is the boot of a machine and the pid namespace in which PID means something.
	Host string
	PID  int64
	// Start is when the process was started, in ticks since the boot: numbers are used again.
	Start int64
}

// IsKnownTo reports whether here can see whether a process has ended.
func (id ID) IsKnownTo(here ID) bool { return here.Host != "" && id.Host == here.Host }

// HasEnded reports whether a process has certainly ended, as seen by here. Of processes of other
// machines nothing is known.
func (id ID) HasEnded(here ID) bool {
	if !id.IsKnownTo(here) || id == here {
		return false
	}
	start, alive := startOf(id.PID)
	return !alive || (start != 0 && start != id.Start)
}
