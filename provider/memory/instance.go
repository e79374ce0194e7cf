package memory

import (
	"cmp"
	"math"
	"slices"

	"duroxide/history"
	"duroxide/provider"
)

// instance is an instance, or the messages that wait for one.
type instance struct {
	key uint64
	id  string

	// The claim: valid while the epoch is the same and the lease lives.
	epoch uint64
	lease provider.LeaseID
	// claimUpTo and claimAt tell the messages of the claim: numbered up to, and due at.
	claimUpTo uint64
	claimAt   int64
	// done is the last committed turn, by which a repeated commit is recognised.
	done doneTurn

	// born is set when a start is stored. What follows is zero until then.
	born    bool
	life    history.Life
	starts  uint64
	created int64
	name    string
	version string
	parent  *history.Parent

	// hold says what the instance is held for, see held.
	hold       *provider.Hold
	cancelling *provider.Cancelling
	// patches are the stored answers of the current execution at its patches.
	patches []byte
	// level is the lowest format level that reads all of it.
	level uint64

	// Zero until the first commit.
	current    uint64
	executions map[uint64]*execution
	updated    int64

	customStatus        *string
	customStatusVersion uint64
	// base is the key-value state at the end of the previous execution, delta the changes of the
	// current one; nil in delta hides a key of base.
	base  map[string]provider.Value
	delta map[string]*provider.Value

	// place is the last place of its tasks.
	place int64

	// messages are in the order of arrival.
	messages []*message
	// keys are the latest ones, oldest first.
	keys keys
}

type doneTurn struct {
	epoch     uint64
	execution uint64
	from, to  uint64
}

type execution struct {
	status    provider.ExecutionStatus
	output    string
	failure   history.Class
	started   int64
	completed int64
	lastEvent uint64
	events    int
	rows      []historyRow
}

// historyRow holds the events of one turn, stored under the id of the first of them.
type historyRow struct {
	first uint64
	body  []byte
}

type message struct {
	id     uint64
	body   []byte
	kind   provider.MessageKind
	exec   uint64
	source uint64
	due    int64
	// effective is what messages are ordered by: the first due. A delay does not change it.
	effective int64
	arrived   int64
	attempts  int
	marks     int
}

func (s *store) byKey(key uint64) *instance {
	for _, in := range s.instances {
		if in.key == key {
			return in
		}
	}
	return nil
}

// living gives the instance of an id, or nil where nobody lives there.
func (s *store) living(id string) *instance {
	if in := s.instances[id]; in != nil && in.born {
		return in
	}
	return nil
}

// committed gives an instance with at least one committed turn, or nil.
func (s *store) committed(id string) *instance {
	if in := s.living(id); in != nil && in.current > 0 {
		return in
	}
	return nil
}

func (s *store) free(in *instance) bool { return !s.live(in.lease) }

// status gives the status of the current execution.
func (in *instance) status() provider.ExecutionStatus {
	if in == nil || in.current == 0 {
		return provider.NotCommitted
	}
	return in.executions[in.current].status
}

func (in *instance) lastEvent() uint64 {
	if in.current == 0 {
		return 0
	}
	return in.executions[in.current].lastEvent
}

// due gives the messages that are due now, ordered by effective time.
func (in *instance) due(now int64) []*message {
	var due []*message
	for _, m := range in.messages {
		if m.due <= now {
			due = append(due, m)
		}
	}
	slices.SortStableFunc(due, func(a, b *message) int { return cmp.Compare(a.effective, b.effective) })
	return due
}

// isTimeout reports whether a message waits until the time of its instance is over.
func (m *message) isTimeout(now int64) bool {
	return m.kind == provider.CancelInstance && m.effective > now
}

func isStart(m *message) bool {
	return m.kind == provider.StartInstance || m.kind == provider.ContinueInstance
}

// deliverable gives the due messages of an instance. One that was never committed gets nothing
// before its start is due: the messages wait with it.
func (in *instance) deliverable(now int64) []*message {
	due := in.due(now)
	if in.current == 0 && !slices.ContainsFunc(due, isStart) {
		return nil
	}
	return due
}

// bringForward makes a delayed start due, and what waits with it.
func (in *instance) bringForward(now int64) {
	for _, m := range in.messages {
		if !m.isTimeout(now) {
			m.due, m.effective = min(m.due, now), min(m.effective, now)
		}
	}
}

// nextDue gives when the earliest delayed message of an instance is due, or false.
func (in *instance) nextDue(now int64) (int64, bool) {
	next := int64(math.MaxInt64)
	for _, m := range in.messages {
		if m.due > now {
			next = min(next, m.due)
		}
	}
	return next, next != math.MaxInt64
}

// starting reports whether an instance waits for its first turn.
func (in *instance) starting() bool { return in != nil && in.born && in.current == 0 }

// sweepOrphans drops what has waited too long for an instance. It blocks nobody while it waits.
func (s *store) sweepOrphans() {
	for id, in := range s.instances {
		if in.born {
			continue
		}
		s.dropLate(in)
		if len(in.messages) == 0 {
			delete(s.instances, id)
		}
	}
}

// dropLate drops the messages of a place that have waited too long for somebody to live there.
func (s *store) dropLate(in *instance) {
	in.messages = slices.DeleteFunc(in.messages, func(m *message) bool {
		return m.arrived+provider.Patience(m.kind, s.retention.Queue).Milliseconds() <= s.now
	})
}

// ready reports whether an instance can be claimed by a holder.
func (s *store) ready(in *instance, h *provider.Holder) bool {
	return s.free(in) && len(in.deliverable(s.now)) > 0 && h.Turns(in.lane(s.now))
}

// held says what an instance is held for, or gives nil.
func (in *instance) held() *provider.Hold {
	return in.hold.At(in.current, in.lastEvent(), in.status())
}

// lane gives what a node must be able to run to take an instance.
func (in *instance) lane(now int64) provider.Lane {
	switch in.status() {
	case provider.Completed, provider.Failed:
		return provider.Lane{Kind: provider.AnyTurn}
	case provider.ContinuedAsNew:
		for _, m := range in.messages {
			if next, err := in.decode(m); m.kind == provider.ContinueInstance && err == nil {
				return next.LaneOf(in.level)
			}
		}
	case provider.NotCommitted, provider.Running:
	}
	hold := in.held()
	if (hold != nil || in.starting()) && slices.ContainsFunc(in.due(now), in.isEnd) {
		return provider.Lane{Kind: provider.AnyTurn}
	}
	return hold.Held(provider.TurnLane(in.name, in.version, in.level))
}

// isEnd reports whether a message ends the instance without its code.
func (in *instance) isEnd(m *message) bool {
	if !m.kind.EndsHeld() || in.held() != nil {
		return m.kind.EndsHeld()
	}
	decoded, err := in.decode(m)
	return err == nil && decoded.Ends(in.parent)
}

// claim takes an instance that is ready.
func (s *store) claim(in *instance, c *claimer) provider.InstanceClaim {
	s.markDeadClaim(in)
	in.epoch++
	in.lease = c.take(s)
	in.claimUpTo, in.claimAt = s.lastID, s.now
	claim := provider.InstanceClaim{
		Token:     in.token(),
		Instance:  in.id,
		Life:      in.life,
		Starts:    in.starts,
		Parent:    in.parent,
		Hold:      in.held(),
		Execution: in.current,
		LastEvent: in.lastEvent(),
		Level:     in.level,
		Status:    in.status(),
		Name:      in.name,
		Version:   in.version,
	}
	worst := 0
	page, more := cut(in.deliverable(s.now))
	claim.More = more
	for _, m := range page {
		decoded, err := in.decode(m)
		if err != nil {
			bad := provider.UnreadableRow(err, m.attempts)
			m.attempts, m.due = bad.Tries, s.now+bad.Pause().Milliseconds()
			claim.Undecodable = append(claim.Undecodable, provider.UndecodableMessage{ID: m.id, Unreadable: bad})
			continue
		}
		worst, claim.Marks = max(worst, m.attempts), max(claim.Marks, m.marks)
		claim.Messages = append(claim.Messages, decoded)
	}
	claim.Attempt = worst + 1
	return claim
}

// cut gives the first page of due messages.
func cut(due []*message) (page []*message, more bool) {
	return provider.CutPage(due, func(m **message) (provider.MessageKind, int) {
		return (*m).kind, len((*m).body)
	})
}

// markDeadClaim marks the messages of a claim whose lease ended without a commit of them.
func (s *store) markDeadClaim(in *instance) {
	if in.lease != 0 {
		in.markClaimed()
	}
}

func (in *instance) markClaimed() {
	for _, m := range in.messages {
		if m.id <= in.claimUpTo && m.due <= in.claimAt {
			m.marks = min(m.marks+1, provider.MostMarks)
		}
	}
}

func (in *instance) decode(m *message) (provider.Message, error) {
	decoded, err := provider.DecodeMessage(m.body)
	if err != nil {
		return provider.Message{}, err
	}
	decoded.ID, decoded.Instance, decoded.DueMs, decoded.Attempts = m.id, in.id, m.effective, m.attempts
	decoded.Marks = m.marks
	return decoded, nil
}
