package memory

import (
	"fmt"
	"slices"

	"duroxide/provider"
)

func checkMessages(messages []provider.Message) error {
	for _, m := range messages {
		if m.Kind < provider.StartInstance || m.Kind > provider.CancelInstance {
			return fmt.Errorf("a message of kind %d: %w", m.Kind, provider.ErrBadInput)
		}
		if m.Instance == "" {
			return fmt.Errorf("a message for no instance: %w", provider.ErrBadInput)
		}
	}
	return nil
}

// deliver stores messages, then claims the targets that are ready for the holder, if there is one.
// The claim stands in the result of the first message of its target. It gives the lease too.
func (s *store) deliver(
	messages []provider.Message, holder *provider.Holder, versions *provider.VersionRange,
) ([]provider.Submitted, provider.LeaseID) {
	results := make([]provider.Submitted, len(messages))
	for i, m := range messages {
		in := s.instances[m.Instance]
		results[i].Existing, results[i].Starting = in.status(), in.starting()
		results[i].ID, results[i].DueMs = s.insertMessage(m)
	}
	claims := claimer{holder: holder}
	for i, m := range messages {
		in := s.instances[m.Instance]
		if holder != nil && s.ready(in, versions) {
			claim := s.claim(in, &claims)
			results[i].Claim = &claim
		}
		if s.live(in.lease) {
			results[i].Held = in.lease
			continue
		}
		s.offerInstance(in)
	}
	return results, claims.lease
}

func (s *store) insertMessage(m provider.Message) (id uint64, effective int64) {
	in := s.instances[m.Instance]
	if in == nil {
		in = &instance{key: s.nextID(), id: m.Instance}
		s.instances[m.Instance] = in
	}
	stored := &message{
		id: s.nextID(), body: provider.EncodeMessage(m), kind: m.Kind, exec: m.Execution,
		source: m.Source, due: m.DueMs, arrived: s.now,
	}
	if stored.due == 0 {
		stored.due = s.now
	}
	stored.effective = stored.due
	in.messages = append(in.messages, stored)
	return stored.id, stored.effective
}

// dropTimers deletes the timer messages of the named events of one execution.
func (in *instance) dropTimers(execution uint64, events []uint64) {
	in.messages = slices.DeleteFunc(in.messages, func(m *message) bool {
		return m.kind == provider.TimerDue && m.exec == execution && slices.Contains(events, m.source)
	})
}
