package sqlite_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/history"
	"duroxide/provider"
	"duroxide/provider/sqlite"
)

// manyRows is how many rows each table of a filled store has. DUROXIDE_TEST_ROWS asks for more, a million for
// example.
func manyRows(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("DUROXIDE_TEST_ROWS"); text != "" {
		rows, err := strconv.Atoi(text)
		require.NoError(t, err)
		return rows
	}
	return 20_000
}

// amid is a store with an instance "A" that has work for this node, amid much work for others.
type amid struct {
	t     *testing.T
	store *sqlite.Store
}

// serves is what this node runs: tasks called "near" and the orchestration "mine".
func serves() *provider.Serves {
	return &provider.Serves{
		Orchestration: func(name, _ string) bool { return name == "mine" },
		Activity:      func(name string) bool { return name == "near" },
	}
}

func work(event uint64, name string, session *string) provider.NewTask {
	return provider.NewTask{Task: provider.Task{
		Event: event, Name: name, Input: "1", Session: session, Orchestration: "mine", Version: "1.0.0",
	}}
}

// begin commits the first turn of an instance.
func (c *amid) begin(id, name string, tasks ...provider.NewTask) {
	c.t.Helper()
	claim := submit(c.t, c.store, provider.Message{Instance: id, Kind: provider.StartInstance, Name: name}, holder("n")).Claim
	_, err := c.store.Commit(c.t.Context(), provider.Commit{
		Token: claim.Token, Execution: 1, Messages: []uint64{claim.Messages[0].ID},
		Events:  []history.Event{{ID: 1, Data: history.OrchestrationStarted{Name: name, Version: "1.0.0"}}},
		Started: &provider.Started{Name: name, Version: "1.0.0"}, NewTasks: tasks, Release: true,
	})
	require.NoError(c.t, err)
}

// crowded fills a store: instances with messages and histories, tasks of names that nobody here runs, and
// tasks of sessions, half of which are other nodes' and half nobody's.
func crowded(t *testing.T, rows int) *amid {
	t.Helper()
	c := &amid{t: t, store: open(t, file(t))}
	session := "s"
	c.begin("template", "theirs", work(2, "far", nil), work(3, "far", &session), work(4, "near", &session))
	submit(t, c.store, provider.Message{Instance: "template", Kind: provider.EventRaised, Name: "e", Data: "1"}, nil)
	fill := []string{
		`
INSERT INTO instances (key, id, execution, status, last_event, lane, events)
  SELECT 1000000 + n, 'i' || n, 1, 1, 1, lane, 1 FROM numbers, instances WHERE id = 'template'`, `
INSERT INTO details (instance, name, version, parent, created)
  SELECT 1000000 + n, name, version, '', 0 FROM numbers, details`, `
INSERT INTO executions (instance, execution, status, started) SELECT 1000000 + n, 1, 1, 0 FROM numbers`, `
INSERT INTO histories (instance, execution, first, body)
  SELECT 1000000 + n, 1, 1, body FROM numbers, histories`, `
INSERT INTO messages (id, instance, due, effective, kind, execution, source, body, lane)
  SELECT 10000000 + n, 1000000 + n, due, effective, kind, execution, source, body, lane FROM numbers, messages`, `
INSERT INTO tasks (id, instance, execution, event, due, tag, body, place, lane)
  SELECT 20000000 + n, 1000000 + n, 1, 2, due, tag, body, n, lane FROM numbers, tasks WHERE event = 2`, `
INSERT INTO tasks (id, instance, execution, event, due, session, body, place, lane)
  SELECT 30000000 + n, 1000000 + n, 1, 3, due, 'theirs' || n, body, n, lane
  FROM numbers, tasks WHERE instance < 1000000 AND event = 3 + n % 2 * 1`, `
INSERT INTO sessions (id, owner, until_ms, active_ms, ready)
  SELECT 'theirs' || n, 'other', CASE WHEN n % 2 = 1 THEN 99999999999999 ELSE 0 END, 0, n FROM numbers`,
	}
	for _, text := range fill {
		require.NoError(t, c.store.Script(t.Context(), fmt.Sprintf(
			"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT %d)", rows)+text))
	}
	require.NoError(t, c.store.Script(t.Context(), "UPDATE counters SET next = 50000000 WHERE name = 'id'"))
	c.begin("A", "mine", work(2, "near", nil), work(3, "near", new("mine")))
	submit(t, c.store, provider.Message{Instance: "A", Kind: provider.EventRaised, Name: "e", Data: "1"}, nil)
	return c
}

// counted gives how many statements a call takes.
func (c *amid) counted(call func()) int {
	c.t.Helper()
	before, err := c.store.Statements(c.t.Context())
	require.NoError(c.t, err)
	began := time.Now()
	call()
	took := time.Since(began)
	after, err := c.store.Statements(c.t.Context())
	require.NoError(c.t, err)
	c.t.Logf("%d statements took %v", after-before, took)
	return after - before
}

func (c *amid) claim() provider.Claimed {
	c.t.Helper()
	turns, tasks := holder("n"), holder("n/tasks")
	turns.Serves, tasks.Serves = serves(), serves()
	claimed, err := c.store.Claim(c.t.Context(), provider.ClaimRequest{
		Turns: turns, MaxTurns: 10, Tasks: tasks, MaxTasks: 10,
		Route: provider.Route{Session: &provider.SessionHolder{Owner: "me", TTL: time.Minute}},
	})
	require.NoError(c.t, err)
	return claimed
}

func TestWorkOfOthersCostsAClaimNothing(t *testing.T) {
	t.Parallel()
	few, many := 0, 0
	for _, rows := range []int{4000, manyRows(t)} {
		c := crowded(t, rows)
		var claimed provider.Claimed
		few, many = many, c.counted(func() { claimed = c.claim() })
		require.Len(t, claimed.Instances, 1)
		require.Equal(t, "A", claimed.Instances[0].Instance)
		require.Len(t, claimed.Tasks, 3, "its two, and one of a session that nobody owns")
		c.claim()
		requirePlans(t, c.store)
	}
	require.Less(t, many, few+few/4, "a claim amid more takes more statements")
}

func TestWhatWaitsForAHolderIsListedInParts(t *testing.T) {
	t.Parallel()
	c := &amid{t: t, store: open(t, file(t))}
	c.begin("busy", "mine")
	c.begin("other", "mine")
	for _, id := range []string{"busy", "other"} {
		submit(t, c.store, provider.Message{Instance: id, Kind: provider.EventRaised, Name: "e", Data: "1"}, nil)
	}
	turns := holder("n")
	claimed, err := c.store.Claim(t.Context(), provider.ClaimRequest{Turns: turns, MaxTurns: 2})
	require.NoError(t, err)
	require.Len(t, claimed.Instances, 2)
	turns.Lease = claimed.TurnLease
	require.NoError(t, c.store.Script(t.Context(), `
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 5000)
INSERT INTO messages (id, instance, due, effective, kind, execution, source, body, lane)
  SELECT 10000000 + n, instance, due - n, effective, kind, execution, source, body, lane FROM numbers, messages
  WHERE instance = (SELECT key FROM instances WHERE id = 'busy')`))
	seen := map[string]int{}
	// A claim lists for a moment only, and how much that is depends on the machine.
	for n := 0; n < 20 || seen["busy"] < 3*5000 && n < 1000; n++ {
		claimed, err := c.store.Claim(t.Context(), provider.ClaimRequest{Turns: turns, MaxTurns: 2})
		require.NoError(t, err)
		listed := 0
		for _, w := range claimed.Waiting {
			listed += len(w.Messages)
			seen[w.Instance] += len(w.Messages)
		}
		require.LessOrEqual(t, listed, provider.MostWaiting)
	}
	require.NotZero(t, seen["other"], "it is hidden behind what waits for another one")
	require.GreaterOrEqual(t, seen["busy"], 3*5000, "each message is listed again and again")
}
