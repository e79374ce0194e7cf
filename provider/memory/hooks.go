package memory

import (
	"slices"

	"duroxide/history"
)

// The hooks do what no caller of the contract can: the conformance suite needs damaged data and
// looks at what is stored.

// CorruptHistory replaces all stored events of an instance by bytes that cannot be decoded.
func (p *Provider) CorruptHistory(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ex := range p.state.instances[id].executions {
		for i := range ex.rows {
			ex.rows[i].body = []byte("corrupt")
		}
	}
}

// LoseHistory removes the row of an execution that begins with an event.
func (p *Provider) LoseHistory(id string, execution, first uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ex := p.state.instances[id].executions[execution]
	ex.rows = slices.DeleteFunc(ex.rows, func(row historyRow) bool { return row.first == first })
}

// ForgetHole makes an execution believe that what is there is all that was written.
func (p *Provider) ForgetHole(id string, execution uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.state.instances[id]
	if in == nil || in.executions[execution] == nil {
		return
	}
	ex := in.executions[execution]
	ex.events, ex.lastEvent = 0, 0
	for _, row := range ex.rows {
		events, err := history.DecodeRow(row.body)
		if err != nil || len(events) == 0 {
			continue
		}
		ex.events += len(events)
		ex.lastEvent = events[len(events)-1].ID
	}
}

// CorruptMessages replaces the stored messages of an instance by bytes that cannot be decoded.
func (p *Provider) CorruptMessages(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.state.instances[id].messages {
		m.body = []byte("corrupt")
	}
}

// CorruptTasks replaces the stored tasks of an instance by bytes that cannot be decoded.
func (p *Provider) CorruptTasks(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.state.tasks {
		if t.Instance == id {
			t.body = []byte("corrupt")
		}
	}
}

// MaxAttempts gives the highest number of attempts of the messages of an instance, the running
// claim included.
func (p *Provider) MaxAttempts(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.state.instances[id]
	if in == nil {
		return 0
	}
	most := 0
	for _, m := range in.messages {
		attempts := m.attempts
		if in.lease != 0 && m.id <= in.claimUpTo && m.due <= in.claimAt {
			attempts++
		}
		most = max(most, attempts)
	}
	return most
}
