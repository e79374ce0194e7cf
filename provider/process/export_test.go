package process

// Of identifies a process of this machine.
func Of(pid int64) ID {
	start, _ := startOf(pid)
	return ID{Host: This().Host, PID: pid, Start: start}
}
