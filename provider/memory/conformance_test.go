package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"duroxide/provider/memory"
	"duroxide/provider/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheMemoryStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	providertest.Run(t, func(*testing.T) providertest.Harness { return harness() })
}

func harness() providertest.Harness {
	clock := providertest.NewClock()
	p := memory.New(memory.Options{Clock: clock.Now, Passed: clock.Passed})
	return providertest.Harness{
		Provider:       p,
		Clock:          clock,
		CorruptHistory: func(id string) error { p.CorruptHistory(id); return nil },
		LoseHistory: func(id string, execution, first uint64) error {
			p.LoseHistory(id, execution, first)
			return nil
		},
		CorruptMessages: func(id string) error { p.CorruptMessages(id); return nil },
		CorruptTasks:    func(id string) error { p.CorruptTasks(id); return nil },
		MaxAttempts:     func(id string) (int, error) { return p.MaxAttempts(id), nil },
	}
}
