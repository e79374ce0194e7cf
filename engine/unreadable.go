package engine

import (
	"context"

	"duroxide/history"
	"duroxide/provider"
)

// Rows that cannot be read. A store keeps them, hides them for a while each time, and blocks nobody with
// them (provider.Unreadable). When that is final, whoever waits for what such a row says is told: the
// instance of a message fails, and the activity of a task.

// unreadableFailure is what becomes of what a stored row was about.
func unreadableFailure(operation, what string, bad provider.Unreadable) history.Failure {
	return history.Failure{
		Category: history.Infrastructure, Operation: operation,
		Message: bounded("a stored " + what + " cannot be read: " + bad.Reason),
	}
}

// adoptUnreadable takes note of a message that cannot be read. A final one is the last that its instance
// gets. The caller holds rt.mu.
func (rt *Runtime) adoptUnreadable(r *resident, m provider.UndecodableMessage) {
	if m.IsFinal() {
		rt.put(r, item{msg: provider.Message{Instance: r.instance, ID: m.ID}, unreadable: &m.Unreadable})
	}
}

// unreadableItem gives what cannot be read among the items for good, or nil.
func (t *turn) unreadableItem() *provider.Unreadable {
	for _, it := range t.items {
		if it.unreadable != nil {
			return it.unreadable
		}
	}
	return nil
}

// endUnreadableTasks reports tasks that cannot be read, and fails the activities of those for which that is
// final.
func (rt *Runtime) endUnreadableTasks(ctx context.Context, tasks []provider.UndecodableTask) error {
	c := provider.Completions{}
	var msgs []provider.Message
	for _, t := range tasks {
		rt.log.taskUndecodable(t)
		if !t.IsFinal() {
			continue
		}
		failure := unreadableFailure("read_task", "task", t.Unreadable)
		msgs = append(msgs, provider.Message{
			Instance: t.Instance, Kind: provider.ActivityDone, Execution: t.Execution, Source: t.Event,
			DueMs: rt.nowMs(), Failure: &failure,
		})
		c.Items = append(c.Items, provider.Completion{Task: t.Token})
	}
	if len(msgs) == 0 {
		return nil
	}
	for n := range msgs {
		c.Items[n].Message = &msgs[n]
	}
	results, err := rt.e.store.Complete(ctx, c)
	if err == nil {
		rt.e.route(rt, msgs, results)
	}
	return err
}
