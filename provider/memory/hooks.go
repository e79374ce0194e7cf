package memory

// The hooks do what no caller of the contract can: the conformance suite needs damaged data and
// looks at what is stored.

// CorruptHistory replaces all stored events of an instance by bytes that cannot be decoded.
func (p *Provider) CorruptHistory(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ex := range p.state.instances[id].executions {
		for i := range ex.rows {
			ex.rows[i] = []byte("corrupt")
		}
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
