package engine

import "context"

// Suspects. What a process had in hand when it ended is marked and runs again at once, beside everything
// else: most of it is innocent. What was marked twice is a suspect. It runs with no other suspect beside
// it in this process, and an attempt is stored before its code runs, so that the next end of the process
// is charged to what really ran; after enough attempts it fails as poison. Ordinary work goes on beside
// it, and may be marked with it, but never pays.

// alone runs a suspect when no other one runs, on a thread that lives, so that no attempt is counted
// which cannot begin. Its error is that of the context, ErrTakenBack, or that of what ran.
func (rt *Runtime) alone(ctx context.Context, run func() error) error {
	if err := rt.takeTurn(ctx, rt.e.suspect); err != nil {
		return err
	}
	defer func() { <-rt.e.suspect }()
	if err := rt.awaitThread(); err != nil {
		return err
	}
	// The suspect before this one may have ended the thread: that is not to be charged to two.
	if rt.host.Pulse().HasEnded() {
		return ErrHostGone
	}
	return run()
}
