package replay_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

// What the code gives may change under the newest rules, and what it does may not. A strict replay
// refuses both.
func TestOnlyStrictReplaysCompareWhatTheCodeGives(t *testing.T) {
	t.Parallel()
	a, b := "a", "b"
	plain := activityWith("a", "1", nil, nil)
	child := func(instance *string, input string) code {
		return one(func(c *context) {
			c.ask(replay.Action{Kind: replay.SubOrchestration, Name: "c", Instance: instance, Input: input})
		})
	}
	const differs, diverges = true, false
	for name, c := range map[string]struct {
		before, after code
		differs       bool
	}{
		"activity's input": {plain, activityWith("a", "2", nil, nil), differs},
		"session":          {plain, activityWith("a", "1", &a, nil), differs},
		"tag":              {activityWith("a", "1", nil, &a), activityWith("a", "1", nil, &b), differs},
		"child's input":    {child(nil, "1"), child(nil, "2"), differs},
		"detached input":   {one(func(c *context) { c.detach("a", "x", "1") }), one(func(c *context) { c.detach("a", "x", "2") }), differs},
		"value":            {one(func(c *context) { c.set("a", "1") }), one(func(c *context) { c.set("a", "2") }), differs},
		"status":           {one(func(c *context) { c.status("a") }), one(func(c *context) { c.status("b") }), differs},
		"earlier end":      {plain, func(*context) (string, error) { return "1", nil }, differs},
		"activity's name":  {plain, activityWith("b", "1", nil, nil), diverges},
		"child's id":       {child(&a, "1"), child(&b, "1"), diverges},
		"child's id added": {child(nil, "1"), child(&b, "1"), diverges},
		"child's id gone":  {child(&a, "1"), child(nil, "1"), diverges},
		"detached id":      {one(func(c *context) { c.detach("a", "x", "1") }), one(func(c *context) { c.detach("a", "y", "1") }), diverges},
		"value's key":      {one(func(c *context) { c.set("a", "1") }), one(func(c *context) { c.set("b", "1") }), diverges},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWith(t, c.before, under(history.NewestRules, false))
			err := s.upgrade(c.after)
			if c.differs {
				require.NoError(t, err)
				require.Len(t, s.x.Differences(), 1)
			} else {
				_ = divergence(t, err)
			}
			s = startWith(t, c.before, under(history.NewestRules, true))
			_ = divergence(t, s.upgrade(c.after))
		})
	}
}

// An execution that an earlier release began diverges where it did, and nowhere else.
func TestEarlierRulesCompareInputs(t *testing.T) {
	t.Parallel()
	s := startWith(t, activityWith("a", "1", nil, nil), under(history.LooseReplayRules-1, false))
	_ = divergence(t, s.upgrade(activityWith("a", "2", nil, nil)))
}

func TestDifferencesAreBounded(t *testing.T) {
	t.Parallel()
	statuses := func(text string) code {
		return one(func(c *context) {
			for range 1000 {
				c.status(text)
			}
		})
	}
	s := startWith(t, statuses("a"), under(history.NewestRules, false))
	require.NoError(t, s.upgrade(statuses("b")))
	require.Len(t, s.x.Differences(), 16)
}

func under(rules uint64, strict bool) replay.Params {
	p := params
	p.Rules, p.StrictReplay = rules, strict
	return p
}
