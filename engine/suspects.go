package engine

import "context"

// Suspects. What a process had in hand when it ended is marked and runs again at once, beside everything
// else: most of it is innocent. What was marked twice is a suspect. It runs with no other suspect beside
// it in this process, and an attempt is stored before its code runs, so that the next end of the process
// is charged to what really ran; after enough attempts it fails as poison. Ordinary work goes on beside
// it, and may be marked with it, but never pays.

// alone runs a suspect when no other one runs. Its error is that of the context, or of what ran.
func (e *Engine) alone(ctx context.Context, run func() error) error {
	select {
	case e.suspect <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.suspect }()
	return run()
}
