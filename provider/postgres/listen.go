package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pauses before the listening connection is made again: growing where it cannot be made, and long where
// the server has none left, because work needs them first.
const (
	lastListenPause   = 3 * time.Second
	firstYieldedPause = time.Second
	lastYieldedPause  = time.Minute
)

// doubts are what the listening connection is to be asked, or told.
type doubts int

const (
	noDoubt doubts = iota
	// isThere asks whether the connection is still one.
	isThere
	// hasMoved says that the server is not the one to listen to any more.
	hasMoved
	// isNeeded says that work needs a connection, and gets none.
	isNeeded
)

var (
	errMoved   = errors.New("the server takes no writes any more")
	errYielded = errors.New("work needs the connection")
)

// listener keeps the listening connection, which has nothing else to do. Without it, commits of other
// processes are found by polling.
type listener struct {
	s *Store

	mu        sync.Mutex // guards what follows
	isOpen    bool
	doubts    doubts
	interrupt context.CancelFunc // ends the waiting for notifications
}

// doubt has the connection checked after another one has broken.
func (l *listener) doubt(moved bool) {
	if moved {
		l.tell(hasMoved)
	} else {
		l.tell(isThere)
	}
}

// yield gives the connection up for work that has none.
func (l *listener) yield() { l.tell(isNeeded) }

func (l *listener) tell(d doubts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isOpen {
		l.doubts = max(l.doubts, d)
		l.interrupt()
	}
}

// setOpen says whether there is a connection. Doubts are about one that there is.
func (l *listener) setOpen(isOpen bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isOpen, l.doubts, l.interrupt = isOpen, noDoubt, func() {}
	l.s.server.setListening(isOpen)
}

// waits gives the doubts that there are, or has the next ones end a context.
func (l *listener) waits(interrupt context.CancelFunc) doubts {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.doubts
	l.doubts, l.interrupt = noDoubt, interrupt
	return d
}

// run goes on until the store is closed.
func (l *listener) run() {
	s := l.s
	yielded := firstYieldedPause
	for try := 1; ; try++ {
		err := l.once(func() { try = 0 })
		if s.background.Err() != nil {
			return
		}
		pause := min(pauseBefore(try+1)<<min(max(try-6, 0), 10), lastListenPause)
		if errors.Is(err, errYielded) || sqlState(err) == stateTooMany {
			pause = yielded
			yielded = min(2*yielded, lastYieldedPause)
		} else {
			yielded = firstYieldedPause
		}
		s.log.Warn("postgres: there is no listening connection, commits of other processes are found "+
			"by polling", "error", err.Error(), "retryInMs", pause.Milliseconds())
		if rest(s.background, pause) != nil {
			return
		}
	}
}

// once listens until the connection is lost or given up.
func (l *listener) once(connected func()) error {
	s := l.s
	conn, err := s.dial(s.background)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	err = quick(s.background, func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize(),
			pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := s.present(conn); err != nil {
		return err
	}
	defer s.presences.session.Store(0)
	connected()
	l.setOpen(true)
	defer l.setOpen(false)
	s.everything() // what was told before is lost
	for err == nil {
		err = l.wait(conn)
	}
	return err
}

// wait waits for one notification. A quiet connection is asked now and then whether it is still one.
func (l *listener) wait(conn *pgx.Conn) error {
	s := l.s
	ctx, cancel := context.WithTimeout(s.background, 10*pollEvery)
	defer cancel()
	doubts := l.waits(cancel)
	if doubts == noDoubt {
		n, err := conn.WaitForNotification(ctx)
		if err == nil {
			s.heard(n.Payload)
			return nil
		}
		if ctx.Err() == nil || s.background.Err() != nil {
			return err
		}
		doubts = l.waits(cancel)
	}
	switch doubts {
	case isNeeded:
		return errYielded
	case hasMoved:
		return errMoved
	case noDoubt, isThere:
	}
	if err := quick(s.background, conn.Ping); err != nil {
		return err
	}
	if !s.options.Pooler && isStandby(conn.PgConn()) {
		return errStandby
	}
	return nil
}
