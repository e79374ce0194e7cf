package postgres

import (
	"context"
	"fmt"

	"duroxide/provider"
)

var sqlHold = define(`
UPDATE S.details d SET hold = n.hold FROM unnest($1::bigint[], $2::bytea[]) AS n (instance, hold)
WHERE d.instance = n.instance AND d.instance = ANY($1::bigint[])`)

// held says what an instance is held for, or gives nil.
func (i *instance) held() *provider.Hold { return i.hold.At(i.execution, i.lastEvent, i.status) }

// laneOf gives the lane of a message for an instance.
func (i *instance) laneOf(k provider.MessageKind) int64 {
	if k.EndsHeld() && i.held() != nil {
		return anyTurn
	}
	return i.lane
}

// hold notes what an instance is held for from now on; nil is nothing.
func (g *group) hold(i *instance, h *provider.Hold) {
	i.hold = h
	w := &g.writes.holds
	w.instance, w.hold = append(w.instance, signed(i.key)), append(w.hold, provider.EncodeHold(h))
}

// Resume ends the hold of an instance.
func (s *Store) Resume(ctx context.Context, instance string) (bool, error) {
	held := false
	ids := []string{askable(instance)}
	err := s.locked(ctx, "resume", ids, func(ctx context.Context, g *group) error {
		i := g.byID[instance]
		if i == nil || !i.born {
			return notFound(instance)
		}
		if held = i.held() != nil; !held {
			return nil
		}
		g.hold(i, nil)
		lane, _ := g.wanted(i)
		g.move(i, lane)
		g.changed.work = true
		p := s.pipeline()
		g.flush(p)
		if err := g.send(ctx, p); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		return nil
	})
	return held && err == nil, err
}
