package postgres_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/provider/postgres"
)

// costEach bounds how many pages a statement may look at for each row that it is asked for: a descent
// through an index, the row, and the writing of both.
const costEach = 32

// times is how much fuller than usual the tables are. DUROXIDE_TEST_ROWS asks for more rows in a table than
// 20,000, a million for example.
func times(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DUROXIDE_TEST_ROWS")
	if text == "" {
		return 1
	}
	rows, err := strconv.Atoi(text)
	require.NoError(t, err)
	return max(rows/20_000, 1)
}

// filled gives a store with so many instances of ten messages and tasks each, planned while it was empty.
func filled(t *testing.T, instances int) (*postgres.Store, *postgres.Planner) {
	t.Helper()
	s := open(t, fresh(t))
	p, err := s.Planner(t.Context())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
INSERT INTO S.instances (key, id, execution, status, epoch, lease, last_event)
  SELECT k, 'i' || k, 1, 1, 1, 1, 1 FROM generate_series(1, %[1]d) k;
INSERT INTO S.executions (instance, execution, status, started)
  SELECT k, 1, 1, 0 FROM generate_series(1, %[1]d) k;
INSERT INTO S.messages (instance, id, due, effective, kind, execution, source, body)
  SELECT k, n * %[1]d + k, n, n, 4, 1, n, '\x00'
  FROM generate_series(1, 10) n, generate_series(1, %[1]d) k;
INSERT INTO S.tasks (id, instance, execution, event, due, lease, epoch, attempts, body)
  SELECT n * %[1]d + k, k, 1, n, n, 1, 1, 1, '\x00'
  FROM generate_series(1, 10) n, generate_series(1, %[1]d) k;`, instances)))
	return s, p
}

// rewrite sets columns in every row of a table, and leaves nothing of the rows as they were.
func rewrite(t *testing.T, s *postgres.Store, table, columns string) {
	t.Helper()
	require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
CREATE TABLE S.rewritten AS SELECT * FROM S.%[1]s;
UPDATE S.rewritten SET %[2]s;
TRUNCATE S.%[1]s;
INSERT INTO S.%[1]s SELECT * FROM S.rewritten;
DROP TABLE S.rewritten`, table, columns)))
}

// array writes numbers as SQL.
func array(count int, number func(n int) int) string {
	texts := make([]string, count)
	for n := range texts {
		texts[n] = strconv.Itoa(number(n))
	}
	return "'{" + strings.Join(texts, ",") + "}'::bigint[]"
}

func TestWhatIsAskedForByKeyCostsNoMoreThanItsRows(t *testing.T) {
	t.Parallel()
	const asked = 2000
	instances := 2000 * times(t)
	s, p := filled(t, instances)
	// Two messages, or tasks, of each of a thousand instances.
	owner := func(n int) int { return n/2 + 1 }
	keys := array(asked, owner)
	ids := array(asked, func(n int) int { return (1+n%2)*instances + owner(n) })
	ones := array(asked, func(int) int { return 1 })
	events := array(asked, func(n int) int { return 1 + n%2 })
	half := asked / 2
	lone := array(half, func(n int) int { return n + 1 })
	first := array(half, func(int) int { return 1 })
	fill := func(value string) string { return fmt.Sprintf("array_fill(%s, ARRAY[%d])", value, half) }
	statements := map[string][]string{
		"present":          {keys, ids},
		"consume":          {keys, ids},
		"abandon messages": {keys, ids, ones, ones},
		"quarantine":       {keys, ids, ones},
		"drop timers":      {keys, ones, events},
		"outcome":          {lone, first, first, first, fill(`'\x00'::bytea`), fill("''::text")},
		"sizes":            {lone, first, first, first},
		"lock instances":   {lone, "NULL"},
		"read instances":   {lone, "NULL"},
		"believed":         {lone, first, first, first, first},
		"update instances": {
			lone, first, first, first, first, first, first, first, first, first, first, fill("true"),
			first, first, first, first,
		},
		"move messages":   {lone, array(half, func(int) int { return 0 }), array(half, func(int) int { return 0 })},
		"lock tasks":      {ids, keys, ones, events},
		"lock some tasks": {ids},
		"finish tasks":    {ids, ones, ones, "1"},
		"free tasks":      {ids, ones, ones, ones, ones, ones},
		"take tasks":      {ids, ones},
		"hide tasks":      {ids, ones},
		"still held":      {ids, "1"},
		"bring forward":   {lone, "4611686018427387904"},
	}
	for _, known := range []string{"never analysed", "analysed"} {
		if known == "analysed" {
			require.NoError(t, s.Script(t.Context(),
				"ANALYZE S.messages; ANALYZE S.executions; ANALYZE S.tasks; ANALYZE S.instances"))
		}
		for name, arguments := range statements {
			cost, plan, err := p.Cost(t.Context(), name, strings.Join(arguments, ", "))
			require.NoError(t, err, name)
			require.Less(t, cost, int64(asked*costEach), "%s, %s: %s", name, known, plan)
		}
	}
}

func TestWhatNobodyHereCanRunCostsNothing(t *testing.T) {
	t.Parallel()
	instances := 4000 * times(t)
	s, p := filled(t, instances)
	// Ten instances have work of lane 8; all the rest is of lane 7. Written anew, as what an update leaves
	// behind stays until no other test reads.
	rewrite(t, s, "messages", fmt.Sprintf("lane = CASE WHEN instance > %d THEN 8 ELSE 7 END", instances-10))
	rewrite(t, s, "tasks", fmt.Sprintf(`lease = 0, place = id, session = CASE WHEN id %% 2 = 0 THEN 's' || id %% 500 END,
  lane = CASE WHEN instance > %d THEN 8 ELSE 7 END + CASE WHEN id %% 2 = 0 THEN 2 ELSE 0 END`, instances-10))
	require.NoError(t, s.Script(t.Context(), `
INSERT INTO S.sessions (id, owner, until_ms, active_ms, ready)
  SELECT 's' || n, '', 0, 0, 1 FROM generate_series(0, 499) n`))
	// The server may have looked at the tables as they were, and would plan by that until it looks again.
	for _, table := range []string{"messages", "tasks", "sessions", "instances"} {
		require.NoError(t, s.Script(t.Context(), "ANALYZE S."+table))
	}
	const late, lane = "999999999", "'{8}'::bigint[]"
	for name, arguments := range map[string][]string{
		"turn lanes":   nil,
		"task lanes":   nil,
		"ready":        {late, lane, "16", "4000", "0"},
		"fronts":       {"16", lane},
		"oldest turns": {late, "'{7}'::bigint[]"},
		"oldest tasks": {"'{7}'::bigint[]"},
	} {
		cost, plan, err := p.Cost(t.Context(), name, strings.Join(arguments, ", "))
		require.NoError(t, err, name)
		require.Less(t, cost, int64(5000), "%s: %s", name, plan)
	}
	// One of lane 10 is behind 490 sessions that wait for lane 9: they are looked at, in one pass.
	cost, plan, err := p.Cost(t.Context(), "front sessions",
		"'me', 1, 16, '{}'::text[], 16, '{10}'::bigint[], 1000, 1000")
	require.NoError(t, err)
	require.Less(t, cost, int64(500*costEach), plan)
}

func TestAPageCostsTheSameHoweverMuchWaits(t *testing.T) {
	t.Parallel()
	s, p := filled(t, 10)
	costs := map[int]int64{}
	for _, waiting := range []int{1000, 20000} {
		require.NoError(t, s.Script(t.Context(), fmt.Sprintf(`
TRUNCATE S.messages;
INSERT INTO S.messages (instance, id, due, effective, kind, execution, source, body)
  SELECT 1, n, n, n, 6, 1, 0, '\x00' FROM generate_series(1, %d) n;`, waiting)))
		cost, plan, err := p.Cost(t.Context(), "pending", "'{1}'::bigint[], 1000000")
		require.NoError(t, err)
		require.Less(t, cost, int64(257*costEach), plan)
		costs[waiting] = cost
	}
	require.Less(t, costs[20000], 2*costs[1000])
}
