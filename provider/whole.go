package provider

import "fmt"

// Whole is what a store keeps of an instance, in more than one row.
type Whole struct {
	Instance  string
	Execution uint64
	Status    ExecutionStatus
	// HasDetails is whether its name and parent are there, HasExecution whether its current execution is.
	HasDetails, HasExecution bool
}

// Check gives ErrCorrupt where a part of an instance that has been committed is missing or makes no sense:
// what is shown or done without it would be wrong.
func (s Whole) Check() error {
	switch {
	case s.Execution == 0: // There are at most messages for it.
		return nil
	case !s.HasDetails:
		return damaged("instance %s has lost its name", s.Instance)
	case !s.HasExecution:
		return damaged("instance %s has lost its execution %d", s.Instance, s.Execution)
	case s.Status < Running || s.Status > ContinuedAsNew:
		return damaged("instance %s has the unknown status %d", s.Instance, s.Status)
	default:
		return nil
	}
}

func damaged(format string, args ...any) error {
	return &Error{Message: ErrCorrupt.Error() + ": " + fmt.Sprintf(format, args...), Err: ErrCorrupt}
}
