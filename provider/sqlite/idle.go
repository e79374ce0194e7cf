package sqlite

import (
	"errors"
	"fmt"
	"time"

	"duroxide/provider/sqlite/files"
)

const (
	// probeEvery is how often an idle store with watchers looks for commits of other processes.
	probeEvery = 40 * time.Millisecond
	// askEvery is how often SQLite is asked for them although the log looks as it did.
	askEvery = time.Second
	// stampGrain is how long after a write another one may leave the same time.
	stampGrain = 20 * time.Millisecond
	// truncateAfter is how long a store is idle before its log is moved into the file.
	truncateAfter = 2 * time.Second
	// checkpointPages is 16 MiB of log.
	checkpointPages = 4096
	// vacuumPages is how many free pages are given back at once.
	vacuumPages = 2000
)

var (
	sqlPassive  = &statement{`PRAGMA wal_checkpoint(PASSIVE)`}
	sqlTruncate = &statement{`PRAGMA wal_checkpoint(TRUNCATE)`}
	sqlFull     = &statement{`PRAGMA wal_checkpoint(FULL)`}
	sqlFree     = &statement{`PRAGMA freelist_count`}
)

// next waits for a request. It gives nil when there was something else to do, and false when the
// store is closed and all requests were served.
func (w *writer) next() (*request, bool) {
	select {
	case r, ok := <-w.store.requests:
		return r, ok
	default:
	}
	w.idleSince = time.Now()
	for {
		w.react()
		pause, wait := w.pause()
		var expired <-chan time.Time
		if wait {
			w.timer.Reset(pause)
			expired = w.timer.C
		}
		select {
		case r, ok := <-w.store.requests:
			return r, ok
		case <-w.store.watched:
		case <-expired:
			w.idle()
		}
	}
}

// pause says how long an idle writer may sleep before it looks around; false means until the next
// request.
func (w *writer) pause() (time.Duration, bool) {
	switch {
	case w.store.options.Memory:
		return 0, false
	case w.store.watchers.Any():
		return probeEvery, true
	case w.untruncated:
		return truncateAfter, true
	default:
		return 0, false
	}
}

// idle does what can wait. Errors are left for the requests that will meet them too.
func (w *writer) idle() {
	if w.store.watchers.Any() && w.store.glance() == nil && w.mayBeNews() && w.notice() == nil {
		w.publish()
	}
	if w.untruncated && w.store.sound() == nil && time.Since(w.idleSince) >= truncateAfter {
		w.untruncated = false
		if err := w.tidy(); err != nil && !isBusy(err) {
			w.store.log.Warn("sqlite: cannot shorten the log", "error", err)
		}
	}
}

// mayBeNews reports whether other processes may have written since SQLite was asked last, which costs more
// than to look at the log.
func (w *writer) mayBeNews() bool {
	now := time.Now()
	stamp, known := w.store.files.Written()
	if known && stamp == w.stamp && now.Sub(w.asked) < askEvery {
		return false
	}
	w.asked, w.stamp = now, files.Stamp{}
	if now.UnixNano()-stamp.AtNs > int64(stampGrain) {
		w.stamp = stamp
	}
	return true
}

// checkpoint moves the log into the file when enough was written.
func (w *writer) checkpoint() {
	if w.store.options.Memory {
		return
	}
	pages := w.c.pagesWritten()
	w.pages += pages
	w.untruncated = w.untruncated || pages > 0
	if w.pages < checkpointPages {
		return
	}
	w.pages = 0
	if _, err := w.c.one(sqlPassive); err != nil {
		w.store.log.Warn("sqlite: checkpoint failed", "error", err)
	}
}

// tidy is compact without patience: other processes and readers are not made to wait for it.
func (w *writer) tidy() error {
	if err := set(w.c, []string{"busy_timeout = 0"}); err != nil {
		return err
	}
	err := w.compact()
	return errors.Join(err, set(w.c, []string{patience}))
}

func (w *writer) compact() error {
	free, err := number(w.c, sqlFree)
	if err != nil {
		return fmt.Errorf("count free pages: %w", err)
	}
	if free > vacuumPages {
		if err := w.c.script(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumPages)); err != nil {
			return fmt.Errorf("give pages back: %w", err)
		}
	}
	w.pages = 0
	if _, err := w.c.one(sqlTruncate); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// shut closes all connections. The readers go first, because they keep the log from being emptied.
func (w *writer) shut() error {
	var errs []error
	w.store.examining.Wait()
	errs = append(errs, w.store.endCopies())
	if !w.store.options.Memory {
		for range readerLimit {
			if c := <-w.store.readers; c != nil {
				errs = append(errs, c.close())
			}
		}
		close(w.store.readers)
		if w.store.verify() != nil {
			w.react() // the end of the store may be news
			return errors.Join(append(errs, w.part())...)
		}
		if w.store.options.ReadOnly {
			return errors.Join(append(errs, w.c.close())...)
		}
		if err := w.compact(); err != nil && !isBusy(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, w.c.close())...)
}
