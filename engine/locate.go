package engine

import (
	"errors"

	"duroxide/engine/replay"
)

// located adds to a divergence where in the user's file the action was asked for that does not fit.
// The code runs once more for that, over the same deliveries: to take locations is dear, and they
// are wanted only here. Without them the divergence stays what it is.
func (t *turn) located(err error, opening *Opening, deliveries []replay.Delivery) error {
	d, ok := errors.AsType[*replay.Divergence](err)
	if !ok || d.Step < 0 {
		return err
	}
	t.rt.host.Drop(t.r.resident)
	t.r.resident = newToken()
	if answer, again := lead(t.call, opening, deliveries, true); again == nil {
		locate(d, answer)
	}
	return err
}

func locate(d *replay.Divergence, answer replay.Answer) {
	if d.Step >= 0 && d.Step < len(answer.Steps) && d.Action < len(answer.Steps[d.Step]) {
		d.Location = answer.Steps[d.Step][d.Action].Location
	}
}
