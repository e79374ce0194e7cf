package engine

import (
	"slices"

	"duroxide/engine/replay"
	"duroxide/provider"
)

// Inline activities have no tasks: they run where their instance lives, with the closures that its code has
// made, and nothing of them is stored but their events. Their outcomes go to the mailbox of their instance,
// or are stored as messages where it is not held any more.
//
//   - L1 As long as one is open, the store has a message for the instance, its reminder. Whoever comes by
//     the instance once its holder has ended gets it, leads the code through the history, which brings the
//     closures again, and runs what is open.
//   - L2 An instance is not given back while code of such an activity runs for it; and it stays in memory
//     until that code has been called.
//   - L3 A reminder is marked as any message is that a dying process had in hand. What was open then is a
//     suspect if it was marked often enough: of one instance, one at a time runs, the first that is open, and
//     the attempts of the reminder are its own. Once it is answered, another reminder takes the place.

// remind takes the reminders out of what a turn was given: they say nothing to the code.
func (rt *Runtime) remind(r *resident, items []item) (others, superfluous []item) {
	isReminder := func(it item) bool { return it.msg.IsReminder() }
	if !slices.ContainsFunc(items, isReminder) {
		return items, nil
	}
	for _, it := range items {
		switch {
		case !isReminder(it):
			others = append(others, it)
		case it.msg.ID == 0: // Somebody here wants the instance to be loaded.
		case r.reminder == nil || r.reminder.msg.ID == it.msg.ID:
			r.reminder = &it
		default:
			superfluous = append(superfluous, it)
		}
	}
	return others, superfluous
}

// countsOf gives the attempts and the marks of what a claim brings for a turn: those of a reminder are
// about inline activities.
func countsOf(c provider.InstanceClaim) (attempt, marks int) {
	if !slices.ContainsFunc(c.Messages, func(m provider.Message) bool { return m.IsReminder() }) {
		return c.Attempt, c.Marks
	}
	for i := range c.Messages {
		m := &c.Messages[i]
		if !m.IsReminder() {
			attempt, marks = max(attempt, m.Attempts), max(marks, m.Marks)
		} else if !m.Suspects() { // a turn that cannot be taken counts there where nothing else is
			attempt = max(attempt, m.Attempts)
		}
	}
	return attempt + 1, marks
}

// addReminder makes the commit consume the reminder, store one, or both.
func (t *turn) addReminder(c *provider.Commit) {
	r, x := t.r, t.r.x
	open := x != nil && !x.Ended() && x.HasInline()
	stays := open && r.reminder != nil && (r.charged == 0 || x.IsInline(r.charged))
	if r.reminder != nil && !stays {
		t.taken = append(t.taken, *r.reminder)
	}
	if open && !stays {
		suspected := r.reminder != nil && x.Inline()[0].Event <= r.recovered
		c.Send = append(c.Send, provider.Reminder(r.instance, r.life, t.execution(), suspected))
	}
	c.Messages = messageIDs(t.taken)
}

// settleReminder takes note of what the commit has done about the reminder.
func (t *turn) settleReminder(taken []uint64) {
	r := t.r
	if r.reminder == nil || !slices.Contains(taken, r.reminder.msg.ID) {
		return
	}
	r.reminder, r.charged = nil, 0
	if r.x == nil || r.x.Ended() || !r.x.HasInline() {
		r.recovered = 0
	}
}

// keepReminder takes note of the stored message: it stays for as long as inline activities are open.
func (t *turn) keepReminder(m provider.Message) {
	if m.ID == 0 {
		return // The store lost its answer; a later turn finds the message.
	}
	t.rt.mu.Lock()
	defer t.rt.mu.Unlock()
	t.r.known[m.ID] = struct{}{}
	t.r.reminder = &item{msg: m}
}

// isEmpty reports whether a turn that was only to load the instance has nothing to commit.
func (t *turn) isEmpty(d replay.Delta) bool {
	return len(t.items)+len(t.taken)+len(t.tasks)+len(t.notices)+len(d.Events) == 0 && t.resume == nil &&
		!t.ended && t.r.reminder != nil && t.r.x.HasInline()
}

// runInline has the workers run what is open, once it is stored that it is. Of what the commit of the turn
// has added, d tells.
func (t *turn) runInline(d replay.Delta) {
	w, r := t.rt.workers, t.r
	if w == nil || r.x == nil || r.x.Ended() || r.resident == 0 {
		return
	}
	begin := d.Inline
	if !w.knows(r) {
		begin = r.x.Inline()
		if r.recovered == 0 && r.reminder != nil && r.reminder.msg.Marks > 0 {
			r.recovered = r.x.LastEvent()
		}
	} else if r.recovered > 0 {
		begin = slices.Concat(begin, r.x.Inline()[:min(1, len(r.x.Inline()))])
	}
	if len(begin) == 0 {
		return
	}
	jobs := make([]*job, 0, len(begin))
	for n, a := range begin {
		if j := t.inlineJob(a); j != nil && (n == 0 || j.claim.Marks < provider.MostMarks) {
			jobs = append(jobs, j)
		}
	}
	w.addInline(r, r.resident, jobs)
}

// inlineJob makes the job of an open inline activity.
func (t *turn) inlineJob(a replay.OpenInline) *job {
	r, p := t.r, t.r.x.Params()
	j := &job{of: r, action: a.Token, token: newToken(), claim: provider.TaskClaim{
		Attempt: 1,
		Task: provider.Task{
			Instance: r.instance, Life: r.life, Execution: p.Execution, Event: a.Event, Name: a.Name, Input: "null",
			Orchestration: p.Name, Version: p.Version, Headers: p.Headers,
		},
	}}
	if a.Event > r.recovered || r.reminder == nil {
		return j
	}
	m := &r.reminder.msg
	j.claim.Marks = m.Marks
	if m.Suspects() {
		j.claim.Marks, j.claim.Attempt, j.reminder = provider.MostMarks, m.Attempts+1, m.ID
		r.charged = a.Event
	}
	return j
}
