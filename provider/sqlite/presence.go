package sqlite

import (
	"context"
	"time"

	"duroxide/provider"
	"duroxide/provider/process"
)

// strangerSilence is how long a runtime is believed of whose process nothing is known, because it is in
// another container: an idle one does not write.
const strangerSilence = 10 * time.Minute

var (
	sqlJoin = &statement{`
INSERT INTO duroxide_runtimes (id, started, seen, host, pid, pid_start, body)
VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET seen = ?2, body = ?6`}
	sqlLeave      = &statement{`DELETE FROM duroxide_runtimes WHERE id = CAST(?1 AS TEXT)`}
	sqlRuntimes   = &statement{`SELECT id, started, seen, host, pid, pid_start, load, body FROM duroxide_runtimes ORDER BY started, id`}
	sqlRuntimeIDs = &statement{`SELECT id, started, seen, host, pid, pid_start FROM duroxide_runtimes`}
	sqlLoad       = &statement{`UPDATE duroxide_runtimes SET load = ?2, seen = ?3 WHERE id = CAST(?1 AS TEXT)`}
)

// Join announces a runtime.
func (s *Store) Join(ctx context.Context, node string, body []byte) error {
	if err := s.join(ctx, node, body); err != nil {
		return err
	}
	s.joined.Store(node, body)
	return nil
}

func (s *Store) join(ctx context.Context, node string, body []byte) error {
	return s.write(ctx, "join", 0, func(w *writer) error {
		_, err := w.c.exec(sqlJoin, node, w.now, w.process.Host, w.process.PID, w.process.Start, body)
		return err
	})
}

// Leave takes back what Join said.
func (s *Store) Leave(ctx context.Context, node string) error {
	s.joined.Delete(node)
	return s.write(ctx, "leave", 0, func(w *writer) error {
		_, err := w.c.exec(sqlLeave, node)
		return err
	})
}

// Runtimes lists the runtimes that live.
func (s *Store) Runtimes(ctx context.Context) ([]provider.Presence, error) {
	var all []provider.Presence
	err := s.read(ctx, "runtimes", func(c *conn) error {
		all = nil
		return c.each(sqlRuntimes, func(r *rows) bool {
			if s.isPresent(r) {
				all = append(all, provider.Presence{
					Node: r.text(0), Started: moment(r.int(1)), Seen: moment(r.int(2)), Load: r.blob(6), Body: r.blob(7),
				})
			}
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// isPresent reports whether the runtime of a row lives, as its process tells.
func (s *Store) isPresent(r *rows) bool {
	owner := process.ID{Host: r.text(3), PID: r.int(4), Start: r.int(5)}
	if owner.IsKnownTo(s.process) {
		return !owner.HasEnded(s.process)
	}
	return s.clock.Ms()-r.int(2) < strangerSilence.Milliseconds()
}

// SweepRuntimes deletes the rows of runtimes that have ended, and writes those of this process again that
// somebody has deleted who does not see it.
func (s *Store) SweepRuntimes(ctx context.Context) error {
	var over []string
	there := map[string]bool{}
	err := s.read(ctx, "sweep_runtimes", func(c *conn) error {
		over = nil
		clear(there)
		return c.each(sqlRuntimeIDs, func(r *rows) bool {
			if there[r.text(0)] = true; !s.isPresent(r) {
				over = append(over, r.text(0))
			}
			return true
		})
	})
	if err != nil {
		return err
	}
	if len(over) > 0 {
		err = s.write(ctx, "sweep_runtimes", 0, func(w *writer) error {
			for _, node := range over {
				if _, err := w.c.exec(sqlLeave, node); err != nil {
					return err
				}
			}
			return nil
		})
	}
	s.joined.Range(func(node, body any) bool {
		if !there[node.(string)] {
			err = s.join(ctx, node.(string), body.([]byte))
		}
		return err == nil
	})
	return err
}

// carry writes what a renewal says of the load.
func (w *writer) carry(l *provider.Load) error {
	if l == nil {
		return nil
	}
	_, err := w.c.exec(sqlLoad, l.Node, l.Body, w.now)
	return err
}
