package provider

import (
	"fmt"

	"duroxide/history"
)

// Progress is what is kept of a task whose activity has a policy, beside the task itself: its attempts are
// no events. Stores keep its bytes in a column of their own and do not look into them; tasks without a
// policy have none.
type Progress struct {
	// Policy is the host's, and fixed when the activity is scheduled.
	Policy string
	// SinceMs is when it was scheduled, in Unix milliseconds.
	SinceMs uint64
	// Failed counts the attempts that have failed. They are what a policy limits.
	Failed uint64
	// Lost counts the attempts before the last failure that ended with their process.
	Lost uint64
	// Last is what the last attempt failed with, or nil.
	Last *history.Failure
}

// Undecided is the due time, in Unix milliseconds, of a task that waits until its instance says whether
// there is another attempt (Completion.Kept, Commit.Retries): the end of the year 9999.
const Undecided = 253402300799000

// EncodeProgress gives the stored bytes; nil for nil.
func EncodeProgress(p *Progress) []byte {
	if p == nil {
		return nil
	}
	return history.Encode(func(w *history.Wire) {
		w.Format()
		progressFields(w, p)
	})
}

// DecodeProgress gives back what EncodeProgress wrote; nil for no bytes. Errors wrap ErrCorrupt or ErrNewer.
func DecodeProgress(data []byte) (*Progress, error) {
	if len(data) == 0 {
		return nil, nil
	}
	w := history.NewDecoder(data)
	p := &Progress{}
	w.Format()
	progressFields(&w, p)
	if err := w.Finish(); err != nil {
		return nil, fmt.Errorf("decode progress: %w", unreadable(err))
	}
	return p, nil
}

func progressFields(w *history.Wire, p *Progress) {
	w.Text(&p.Policy)
	w.Uint(&p.SinceMs)
	w.Uint(&p.Failed)
	w.Uint(&p.Lost)
	w.Failure(&p.Last)
}

// DecodeTaskWith is DecodeTask for a task with its progress, which has bytes of its own, and its last
// heartbeat.
func DecodeTaskWith(data, progress []byte, heartbeat *string) (Task, error) {
	t, err := DecodeTask(data)
	if err == nil {
		t.Heartbeat = heartbeat
		t.Progress, err = DecodeProgress(progress)
	}
	return t, err
}
