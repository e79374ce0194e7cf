//go:build !linux

package sqlite

// thisProcess gives nothing: here leases of dead processes end by time.
func thisProcess() process { return process{} }

func startOf(int64) (start int64, alive bool) { return 0, true }
