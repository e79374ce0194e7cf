package sqlite

import (
	"context"

	"duroxide/provider"
)

var sqlHold = &statement{`UPDATE details SET hold = ?2 WHERE instance = ?1`}

// held says what an instance is held for, or gives nil.
func (i *instance) held() *provider.Hold { return i.hold.At(i.execution, i.lastEvent, i.status) }

// laneOf gives the lane of a message for an instance.
func (i *instance) laneOf(k provider.MessageKind) int64 {
	if k.EndsHeld() && i.held() != nil {
		return anyTurn
	}
	return i.lane
}

// commitHold holds an instance with a turn, or ends that.
func (w *writer) commitHold(i *instance, t *turn) error {
	i.pin = max(i.pin, t.Level)
	if err := w.hold(i, t.Hold); err != nil {
		return err
	}
	if i.status == provider.ContinuedAsNew {
		return w.move(i, provider.TurnLane(i.name, i.version, i.pin))
	}
	lane, err := w.wanted(i)
	if err != nil {
		return err
	}
	return w.move(i, lane)
}

func (w *writer) hold(i *instance, h *provider.Hold) error {
	i.hold = h
	_, err := w.c.exec(sqlHold, signed(i.key), optionalBytes(provider.EncodeHold(h)))
	return err
}

// optionalBytes binds bytes; none are null.
func optionalBytes(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// Resume ends the hold of an instance.
func (s *Store) Resume(ctx context.Context, instance string) (bool, error) {
	held := false
	err := s.write(ctx, "resume", 0, func(w *writer) error {
		i, err := w.withID(instance)
		switch {
		case err != nil:
			return err
		case i == nil || !i.born:
			return notFound(instance)
		}
		if held = i.held() != nil; !held {
			return nil
		}
		if err := w.hold(i, nil); err != nil {
			return err
		}
		lane, err := w.wanted(i)
		if err != nil {
			return err
		}
		if err := w.resettle(i, lane); err != nil {
			return err
		}
		return w.offer(i)
	})
	return held && err == nil, err
}
