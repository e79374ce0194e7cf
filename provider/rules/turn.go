package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"duroxide/history"
	"duroxide/provider"
)

// Turn is a commit of which everything is encoded and checked that can be, before a store is asked.
type Turn struct {
	provider.Commit
	// Row has the bytes of its events, nil where there are none; SendBodies and TaskBodies have those of
	// what it sends and of its new tasks, in order.
	Row        []byte
	SendBodies [][]byte
	TaskBodies [][]byte
	// Patches are the bytes of the answers, nil where they are as before.
	Patches []byte
	// Size is how many bytes all of them are.
	Size int
}

// EncodeTurn encodes a commit, or returns what is wrong with it whatever is stored: ErrDuplicateEvent where
// ids do not rise, ErrBadInput for a message that is none.
func EncodeTurn(c provider.Commit) (*Turn, error) {
	t := &Turn{Commit: c, Patches: provider.EncodePatches(c.Patches)}
	last := c.LastEvent
	for _, e := range c.Events {
		if e.ID <= last {
			return nil, Refuse(provider.ErrDuplicateEvent, "event id %d after %d", e.ID, last)
		}
		last = e.ID
	}
	if len(c.Events) > 0 {
		t.Row = history.EncodeRow(c.Events)
	}
	var err error
	if t.SendBodies, t.Size, err = EncodeMessages(c.Send); err != nil {
		return nil, err
	}
	t.TaskBodies = make([][]byte, len(c.NewTasks))
	for n := range c.NewTasks {
		t.TaskBodies[n] = provider.EncodeTask(c.NewTasks[n].Task)
		t.Size += len(t.TaskBodies[n])
	}
	t.Size += len(t.Row)
	return t, nil
}

// CheckTexts refuses a turn with names that a column of text cannot hold.
func (t *Turn) CheckTexts() error {
	if err := CheckTargets(t.Send); err != nil {
		return err
	}
	texts := map[string]string{}
	if s := t.Started; s != nil {
		texts["the name of an orchestration"] = s.Name
		texts["the version of an orchestration"] = s.Version
	}
	for n := range t.NewTasks {
		task := &t.NewTasks[n].Task
		if task.Tag != nil {
			texts["a tag"] += *task.Tag
		}
		if task.Session != nil {
			texts["a session"] += *task.Session
		}
	}
	for what, text := range texts {
		if err := CheckText(what, text); err != nil {
			return err
		}
	}
	return nil
}

// CheckText refuses a name that a column of text cannot hold.
func CheckText(what, text string) error {
	if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return Refuse(provider.ErrBadInput, "%s is no valid text", what)
	}
	return nil
}

// CheckTargets refuses messages for ids that a column of text cannot hold.
func CheckTargets(messages []provider.Message) error {
	for n := range messages {
		if err := CheckText("the id of an instance", messages[n].Instance); err != nil {
			return err
		}
	}
	return nil
}

// EncodeMessages returns the bytes of messages, and how many they are; ErrBadInput for one of an unknown
// kind or for nobody.
func EncodeMessages(messages []provider.Message) (bodies [][]byte, size int, err error) {
	bodies = make([][]byte, len(messages))
	for n, m := range messages {
		if !m.Kind.IsKnown() {
			return nil, 0, Refuse(provider.ErrBadInput, "a message of kind %d", m.Kind)
		}
		if m.Instance == "" {
			return nil, 0, Refuse(provider.ErrBadInput, "a message for no instance")
		}
		bodies[n] = provider.EncodeMessage(m)
		size += len(bodies[n])
	}
	return bodies, size, nil
}

// Outcomes are completions whose messages are encoded.
type Outcomes struct {
	provider.Completions
	// Messages and Bodies are those of the items that have one, in order; Size is how many bytes they are.
	Messages []provider.Message
	Bodies   [][]byte
	Size     int
}

// EncodeOutcomes encodes completions; ErrBadInput for one that is no outcome of an activity.
func EncodeOutcomes(c provider.Completions) (o *Outcomes, err error) {
	o = &Outcomes{Completions: c, Messages: make([]provider.Message, 0, len(c.Items))}
	for _, item := range c.Items {
		if item.Message == nil {
			continue
		}
		if item.Message.Kind != provider.ActivityDone {
			return nil, Refuse(provider.ErrBadInput,
				"Invalid completion type for worker ack: message kind %d", item.Message.Kind)
		}
		o.Messages = append(o.Messages, *item.Message)
	}
	o.Bodies, o.Size, err = EncodeMessages(o.Messages)
	return o, err
}

// Accepted are the messages of those completions whose tasks were held.
type Accepted struct {
	Messages []provider.Message
	Bodies   [][]byte
	// positions are the items that they belong to.
	positions []int
}

// Finish finishes each task of the completions, which reports whether it was held. It returns a result for
// each item, with ErrLockLost where it was not, and the messages that are to be delivered.
func (o *Outcomes) Finish(
	finish func(*provider.Completion) (held bool, err error),
) (results []provider.Submitted, accepted Accepted, err error) {
	results = make([]provider.Submitted, len(o.Items))
	next := 0
	for n := range o.Items {
		held, err := finish(&o.Items[n])
		if err != nil {
			return nil, Accepted{}, err
		}
		if !held {
			results[n].Err = provider.ErrLockLost
		}
		if o.Items[n].Message == nil {
			continue
		}
		if held {
			accepted.Messages = append(accepted.Messages, o.Messages[next])
			accepted.Bodies = append(accepted.Bodies, o.Bodies[next])
			accepted.positions = append(accepted.positions, n)
		}
		next++
	}
	return results, accepted, nil
}

// Put puts the results of the delivered messages where those of their items are.
func (a *Accepted) Put(delivered, results []provider.Submitted) {
	for n, result := range delivered {
		results[a.positions[n]] = result
	}
}

// Rewrite is a rewritten history with everything encoded.
type Rewrite struct {
	*provider.Rewrite
	// Rows are the bytes of its events, RowEvents in each.
	Rows [][]byte
	// Turn has its tasks and messages.
	Turn *Turn
}

// EncodeRewrites encodes a repair, and returns how many bytes it is. What is wrong with a commit is wrong
// with a repair.
func EncodeRewrites(r *provider.Repair) (all []Rewrite, size int, err error) {
	for n := range r.Rewrites {
		w := Rewrite{Rewrite: &r.Rewrites[n]}
		for events := range slices.Chunk(w.Events, provider.RowEvents) {
			w.Rows = append(w.Rows, history.EncodeRow(events))
			size += len(w.Rows[len(w.Rows)-1])
		}
		c := provider.Commit{
			Execution: w.Execution, Send: w.Send, Started: w.Started, Level: w.Level, Patches: provider.PatchesIn(w.Events),
		}
		for _, t := range w.Tasks {
			c.NewTasks = append(c.NewTasks, provider.NewTask{Task: t})
		}
		if w.Turn, err = EncodeTurn(c); err != nil {
			return nil, 0, err
		}
		size += w.Turn.Size
		all = append(all, w)
	}
	return all, size, nil
}
