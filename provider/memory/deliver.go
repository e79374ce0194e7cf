package memory

import (
	"fmt"
	"slices"

	"duroxide/provider"
)

func checkMessages(messages []provider.Message) error {
	for _, m := range messages {
		if !m.Kind.IsKnown() {
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
	messages []provider.Message, holder *provider.Holder,
) ([]provider.Submitted, provider.LeaseID) {
	results := make([]provider.Submitted, len(messages))
	targets := make([]*instance, len(messages))
	for i, m := range messages {
		results[i], targets[i] = s.accept(m)
	}
	claims := claimer{holder: holder}
	for i, in := range targets {
		if in == nil {
			continue
		}
		results[i].Life = in.life
		if claims.mayTake() && s.ready(in, holder) {
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

// accept stores a message if it is for who lives at its target. It gives where something was stored.
func (s *store) accept(m provider.Message) (provider.Submitted, *instance) {
	in := s.instances[m.Instance]
	result := provider.Submitted{Existing: in.status(), Starting: in.starting()}
	result.Fate = in.fate(m)
	if result.Fate == provider.Stored && in != nil {
		result.Fate = s.admit(in, &m)
	}
	switch {
	case result.Fate == provider.Taken && m.Refusal != nil:
		answer, target := s.accept(*m.Refusal.For(result.Existing))
		if answer.Fate != provider.Stored {
			return result, nil
		}
		result.Fate, result.ID, result.DueMs = provider.Refused, answer.ID, answer.DueMs
		return result, target
	case result.Fate != provider.Stored:
		return result, nil
	}
	in = s.begin(m)
	s.addKey(in, &m)
	if m.IsKept() {
		s.visible(in.id)
		return result, nil
	}
	in.level = max(in.level, m.Level)
	result.ID, result.DueMs = s.insertMessage(in, m)
	if in.starting() && m.BringsForward(in.parent) {
		in.bringForward(s.now)
	}
	return result, in
}

// begin makes the place of a message, and with a start the home of a life.
func (s *store) begin(m provider.Message) *instance {
	in := s.instances[m.Instance]
	if in == nil {
		in = &instance{key: s.nextID(), id: m.Instance}
		s.instances[m.Instance] = in
	}
	if m.Kind == provider.StartInstance {
		s.dropLate(in)
		in.born, in.life, in.created, in.parent = true, m.Life, s.now, m.Parent
		in.name = m.Name
		if m.Version != nil {
			in.version = *m.Version
		}
	}
	return in
}

// fate compares the life that a message means with the one that is there.
func (in *instance) fate(m provider.Message) provider.Fate {
	there := in != nil && in.born
	if in == nil {
		in = &instance{}
	}
	return provider.FateOf(m, there, in.life, in.status(), in.level)
}

func (s *store) insertMessage(in *instance, m provider.Message) (id uint64, effective int64) {
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
