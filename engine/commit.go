package engine

import (
	"fmt"
	"slices"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// finish commits what the turn has added.
func (t *turn) finish() error {
	if t.resume != nil {
		t.take(*t.resume)
	}
	d := t.r.x.Take()
	if t.isEmpty(d) {
		t.runInline(d)
		return nil
	}
	return t.commit(d)
}

// commit writes the turn, as often as the store has transient trouble, and then lets everything
// happen that waited for it.
func (t *turn) commit(d replay.Delta) error {
	rt := t.rt
	reserved := 0
	if len(d.Activities) > 0 && !rt.poller.hasLeft() {
		reserved = rt.workers.reserve(len(d.Activities))
		defer func() { rt.workers.unreserve(reserved) }()
	}
	if reserved > 0 && slices.ContainsFunc(d.Activities, inSession) {
		if t.mayOpen = rt.workers.beginOpening(); t.mayOpen {
			defer rt.workers.endOpening()
		}
	}
	if err := t.pin(&d); err != nil {
		return err
	}
	c := t.build(d, reserved)
	if c.TurnHolder != nil {
		defer rt.claiming()()
	}
	asked := rt.e.clock.Now()
	var done provider.Committed
	err := rt.insist(rt.ctx, "commit", func() (err error) {
		done, err = rt.e.store.Commit(rt.ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	rt.holdsTurns(done.TurnLease, asked)
	rt.taskLeases.opened(done.TaskLease, asked)
	told := t.told(d)
	t.settle(c, d)
	events := t.r.events
	t.spread(c, done)
	t.runInline(d)
	t.count(d, events)
	if told != nil {
		rt.set.onEnd(*told)
	}
	return nil
}

// build makes the commit of a delta. The first reserved tasks are claimed at once.
func (t *turn) build(d replay.Delta, reserved int) provider.Commit {
	c := provider.Commit{
		Token: t.token, Execution: t.execution(), LastEvent: t.last, Events: d.Events,
		Life: t.r.life, Starts: d.Starts, Level: history.LevelOf(d.Events),
		Messages: messageIDs(t.taken), Tasks: t.tasks, Started: t.started,
		CancelTasks: d.CancelActivities, DropTimers: d.DropTimers, Send: t.sends(d),
	}
	if d.CancellingChanged {
		c.Cancelling = (*provider.Cancelling)(t.r.x.Cancelling())
	}
	if d.CustomStatus != nil {
		c.CustomStatus = &provider.CustomStatusChange{Status: d.CustomStatus.Status}
	}
	for _, v := range d.Values {
		c.Values = append(c.Values, provider.ValueChange(v))
	}
	for _, r := range d.Retries {
		c.Retries = append(c.Retries, provider.Retry{Event: r.Event, Delay: pauseOf(r.DelayMs)})
	}
	if answers := t.r.x.Patches(); len(answers) > t.patched() {
		c.Patches = answers
	}
	t.addReminder(&c)
	if len(c.Send) > 0 {
		c.TurnHolder = t.rt.claimant()
	}
	t.addTasks(&c, d, reserved)
	if d.Ending != nil {
		c.Outcome = outcome(d.Ending)
		c.DropTimeout = d.Ending.Kind != replay.Continued && t.r.x != nil && !t.r.x.Params().Timeout.IsZero()
		c.Release = d.Ending.Kind != replay.Continued || !t.continuesHere(d.Ending.Successor)
	} else {
		c.Hold = t.stillHeld
		c.Release = c.Hold != nil || t.r.status == provider.Completed || t.r.status == provider.Failed
	}
	return c
}

// patched gives how many answers of the execution the store surely knows of: none, where it has begun or was
// loaded just now. An older release has not stored them.
func (t *turn) patched() int {
	if t.started != nil {
		return 0
	}
	return t.r.patched
}

// continuesHere reports whether this runtime has the code of the next execution.
func (t *turn) continuesHere(next *replay.Successor) bool {
	_, ok := t.rt.reg.Resolve(t.r.x.Params().Name, next.Version)
	return ok
}

func (t *turn) execution() uint64 {
	if t.started != nil {
		return t.r.x.Params().Execution
	}
	return t.r.execution
}

func (t *turn) addTasks(c *provider.Commit, d replay.Delta, reserved int) {
	if len(d.Activities) == 0 {
		return
	}
	var route provider.Route
	if reserved > 0 {
		c.TaskHolder, route = t.rt.taskLeases.holder(), t.rt.taskRoute(t.mayOpen)
	}
	for _, a := range d.Activities {
		claim := reserved > 0 && t.rt.reg.HasActivity(a.Name) && route.Tags.Matches(a.Tag) &&
			(a.Session == nil || route.Session != nil &&
				(route.Session.Works(*a.Session) || route.Session.Room() > 0))
		if claim {
			reserved--
			route = route.Opening(a.Session)
		}
		c.NewTasks = append(c.NewTasks, provider.NewTask{
			Claim: claim, Route: route,
			Task: provider.Task{
				Instance: t.r.instance, Life: t.r.life, Execution: c.Execution, Event: a.Event, Name: a.Name, Input: a.Input,
				Session: a.Session, Tag: a.Tag, Orchestration: t.inv.Name, Version: t.inv.Version,
				Progress: taskProgress(a),
				Headers:  t.headers(),
			},
		})
	}
}

// headers gives what travels with the instance: to its activities, and to those that it starts.
func (t *turn) headers() string { return t.r.x.Params().Headers }

func inSession(a replay.NewActivity) bool { return a.Session != nil }

func outcome(e *replay.Ending) *provider.Outcome {
	switch e.Kind {
	case replay.Completed:
		return &provider.Outcome{Status: provider.Completed, Output: e.Output}
	case replay.Continued:
		return &provider.Outcome{Status: provider.ContinuedAsNew, Output: e.Successor.Input}
	case replay.Failed:
		return &provider.Outcome{Status: provider.Failed, Output: e.Failure.Display()}
	default:
		panic(fmt.Sprintf("unknown end kind %d", e.Kind))
	}
}

// sends lists the messages of a turn: timers, children, detached starts, cancellations, the
// parent's notice, the successor, and answers to colliding starts.
func (t *turn) sends(d replay.Delta) []provider.Message {
	id, life, execution := t.r.instance, t.r.life, t.execution()
	var msgs []provider.Message
	for _, timer := range d.Timers {
		msgs = append(msgs, provider.Message{
			Instance: id, Life: life, Kind: provider.TimerDue, Execution: execution, Source: timer.Event,
			Name: timer.Limit, DueMs: timer.FireAtMs,
		})
	}
	for _, c := range d.Children {
		link := history.Parent{Instance: id, Life: life, Execution: execution, Event: c.Event}
		if t.tooLong(c.Instance) {
			msgs = append(msgs, childDone(link, c.Life, "", idTooLong(c.Instance)))
			continue
		}
		msgs = append(msgs, startOfChild(link, c, t.headers()))
	}
	for _, c := range d.Detached {
		msgs = append(msgs, t.detached(c))
	}
	for _, s := range d.Sent {
		msgs = append(msgs, messageOf(s, id))
	}
	for _, c := range d.CancelChildren {
		if t.tooLong(c.Instance) {
			continue // There is none; its failure is on its way.
		}
		msgs = append(msgs, provider.Message{
			Instance: c.Instance, Life: c.Life, Kind: provider.CancelInstance, Data: c.Reason,
			Parent: &history.Parent{Instance: id, Life: life, Execution: execution, Event: c.Event},
		})
	}
	if d.Ending != nil {
		msgs = append(msgs, t.farewell(d.Ending)...)
	}
	msgs = append(msgs, t.notices...)
	return append(msgs, t.resumption()...)
}

// startOfChild is the start of a child, with the headers of its parent.
func startOfChild(link history.Parent, c replay.NewInstance, headers string) provider.Message {
	return provider.Message{
		Instance: c.Instance, Life: c.Life, Kind: provider.StartInstance,
		Name: c.Name, Version: c.Version, Input: c.Input, Parent: &link, Headers: headers,
		Refusal: &provider.Refusal{
			Running: childTaken(link, c.Life, c.Instance, ""),
			Ended:   childTaken(link, c.Life, c.Instance, andTerminal),
		},
	}
}

// detached is a start that nobody waits for. That of a schedule says so to who begins, and a schedule is told
// if somebody else lives at the id.
func (t *turn) detached(c replay.NewInstance) provider.Message {
	start := provider.Message{
		Instance: c.Instance, Life: c.Life, Kind: provider.StartInstance,
		Name: c.Name, Version: c.Version, Input: c.Input, Headers: t.headers(),
	}
	if c.Schedule == nil {
		return start
	}
	start.Carried = []history.Carried{{Name: history.ScheduleQueue, Data: *c.Schedule}}
	taken := provider.Message{
		Instance: t.r.instance, Life: t.r.life, Kind: provider.QueueEvent, Name: history.ScheduleQueue,
		Data: `{"do":"idTaken","instance":` + jsonString(&c.Instance) + `}`,
	}
	start.Refusal = &provider.Refusal{Running: taken, Ended: taken}
	return start
}

// tooLong reports whether no child can have an id: one that the engine has made from the ids of too
// many parents.
func (t *turn) tooLong(id string) bool {
	return len(id) > history.MaxIDBytes && !t.r.x.LongNames()
}

func idTooLong(id string) *history.Failure {
	return &history.Failure{
		Category: history.Application, Kind: history.OrchestrationFailedKind, Limit: true,
		Message: fmt.Sprintf("sub-orchestration instance id size (%d bytes) exceeds limit (%d bytes): "+
			"its parents are nested too deep, give the child an id of its own", len(id), history.MaxIDBytes),
	}
}

// farewell lists the messages of an ending: to the successor, or to the parent.
func (t *turn) farewell(e *replay.Ending) []provider.Message {
	parent := t.r.parent
	switch {
	case e.Kind == replay.Continued:
		p := t.r.x.Params()
		return []provider.Message{{
			Instance: p.Instance, Life: p.Life, Kind: provider.ContinueInstance, Execution: p.Execution + 1, Name: p.Name,
			Version: e.Successor.Version, Input: e.Successor.Input, Parent: p.Parent, Headers: p.Headers, Timeout: p.Timeout,
			Carried: e.Successor.Carried, CustomStatus: e.Successor.CustomStatus,
		}}
	case parent == nil:
		return nil
	case e.Kind == replay.Completed:
		return []provider.Message{childDone(*parent, t.r.life, e.Output, nil)}
	default:
		return []provider.Message{childDone(*parent, t.r.life, "", e.Failure)}
	}
}

// settle brings the resident to the committed state.
func (t *turn) settle(c provider.Commit, d replay.Delta) {
	rt, r := t.rt, t.r
	r.execution, r.attempt, r.marks, r.starts = c.Execution, 0, 0, max(r.starts, c.Starts)
	r.hold, r.patched = c.Hold, len(r.x.Patches())
	if len(d.Events) > 0 {
		r.last = d.Events[len(d.Events)-1].ID
		r.events += len(d.Events)
	}
	if c.Started != nil {
		r.events = len(d.Events)
		r.status = provider.Running
	}
	if c.Outcome != nil {
		r.status = c.Outcome.Status
	}
	for _, e := range d.Events {
		r.bytes += eventBytes(e)
	}
	applyValues(r.values, d.Values)
	for _, event := range d.DropTimers {
		for _, limit := range []string{"", replay.QueueLimit, replay.UnservedLimit, replay.TotalLimit} {
			r.dropTimer(timerID{event, limit})
		}
	}
	rt.mu.Lock()
	delete(rt.troubles, r.instance)
	r.consumed(t.taken)
	r.mailbox = append(t.left, r.mailbox...)
	rt.mu.Unlock()
	t.settleReminder(c.Messages)
	rt.workers.forget(c.Tasks)
	rt.workers.answered(r, d.Events)
	reasons := unwanted(d, t.ending)
	rt.workers.cancel(r.instance, c.Execution, reasons)
	rt.workers.cancelInline(r, reasons)
}

// spread hands over what the commit made: tasks to workers, messages to whoever holds their target.
// What was in memory of an execution that has ended is let go.
func (t *turn) spread(c provider.Commit, done provider.Committed) {
	rt, r := t.rt, t.r
	if r.status == provider.ContinuedAsNew {
		values := r.values
		if r.x != nil {
			r.lastMs = r.x.LastMs()
		}
		rt.unload(r)
		r.dropTimers()
		r.values = values
	}
	for i, sent := range done.Sent {
		m, ok := stored(c.Send[i], sent)
		switch {
		case !ok:
			rt.lost(m, sent.Fate)
		case m.IsReminder():
			t.keepReminder(m)
		case m.IsResumption():
			t.keepResumption(m)
		case m.Kind == provider.TimerDue && m.DueMs > rt.nowMs():
			rt.setTimer(r, timerID{m.Source, m.Name}, m.DueMs, &m)
		case m.Instance == r.instance && !c.Release:
			rt.route(m, r.life)
		default:
			rt.e.routeStored(rt, m, sent)
		}
	}
	rt.wakeForRetries(c.Retries)
	if len(done.Tasks) > 0 {
		t.startTasks(done.Tasks)
	}
	if c.Release {
		rt.remove(r)
		if done.Work {
			rt.poller.wake()
		}
	}
}

// lost says that a store has not kept a message. An answer that is kept goes to nobody.
func (rt *Runtime) lost(m provider.Message, f provider.Fate) {
	if f != provider.Stored || !m.IsKept() {
		rt.log.messageDropped(m.Instance, m, whyNot(f))
	}
}

// whyNot says why a store has not kept a message.
func whyNot(f provider.Fate) string {
	switch f {
	case provider.Taken:
		return "the instance exists already"
	case provider.Same:
		return "it is stored already"
	case provider.Repeated:
		return "its key is known"
	case provider.Late:
		return "the execution that it is for has ended"
	case provider.Unheard:
		return isImported
	case provider.Stored, provider.Refused, provider.Dropped:
		return "the instance that it is for is gone"
	default:
		panic(fmt.Sprintf("unknown fate %d", f))
	}
}

func (t *turn) startTasks(tasks []*provider.TaskClaim) {
	rt := t.rt
	claims := make([]provider.TaskClaim, 0, len(tasks))
	for _, task := range tasks {
		if task != nil {
			claims = append(claims, *task)
		}
	}
	if len(claims) > 0 {
		rt.counters.tasksFetched(len(claims))
		rt.workers.add(claims)
	}
	if len(claims) < len(tasks) {
		rt.poller.full(taskRoom) // The store tells all of it; this one has no room now, or will be told.
	}
}

// count reports what became true with the commit, once.
func (t *turn) count(d replay.Delta, events int) {
	rt := t.rt
	rt.counters.turns.Add(1)
	if t.started != nil {
		rt.counters.orchestrationStarted()
		rt.log.orchestrationStarted(t.inv)
	}
	rt.counters.childrenScheduled(len(d.Children))
	if d.Ending == nil {
		return
	}
	status := outcome(d.Ending).Status
	rt.counters.orchestrationEnded(status, d.Ending.Failure)
	if d.Ending.Failure != nil {
		rt.log.orchestrationFailed(t.inv, events, *d.Ending.Failure)
		return
	}
	rt.log.orchestrationEnded(t.inv, status, events)
}

func applyValues(values map[string]provider.Value, changes []replay.ValueChange) {
	if values == nil {
		return
	}
	for _, c := range changes {
		switch {
		case c.All:
			clear(values)
		case c.Value == nil:
			delete(values, c.Key)
		default:
			values[c.Key] = provider.Value{Data: *c.Value, UpdatedAtMs: c.UpdatedAtMs}
		}
	}
}
