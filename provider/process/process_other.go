//go:build !linux && !darwin && !windows

package process

// This gives nothing: here leases of dead processes end by time.
func This() ID { return ID{} }

func startOf(int64) (start int64, alive bool) { return 0, true }
