package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// hot are the statements whose cost must stay in proportion to what they are given, however much is
// stored. The names are those of tests.
var hot = map[string]statement{
	"present": sqlPresent, "consume": sqlConsume, "abandon messages": sqlAbandonMessages,
	"quarantine": sqlQuarantine, "drop timers": sqlDropTimers, "outcome": sqlOutcome, "sizes": sqlSizes,
	"lock instances": sqlLockInstances, "read instances": sqlReadInstances, "believed": sqlBelieved,
	"update instances": sqlUpdateInstances, "lock tasks": sqlLockTasks, "lock some tasks": sqlLockSomeTasks,
	"finish tasks": sqlFinishTasks, "free tasks": sqlFreeTasks, "take tasks": sqlTakeTasks,
	"hide tasks": sqlHideTasks, "pending": sqlPending, "still held": sqlStillHeld, "move messages": sqlMoveMessages,
	"turn lanes": sqlTurnLanes, "task lanes": sqlTaskLanes, "ready": sqlReady, "fronts": sqlFronts,
	"oldest turns": sqlOldestTurns, "oldest tasks": sqlOldestTasks, "front sessions": sqlFrontSessions,
	"next starts": sqlNextStarts, "bring forward": sqlBringForward,
}

// Planner is a connection on which the hot statements were planned before the tables were filled.
type Planner struct{ conn *pooled }

// Planner plans the hot statements now, as the connections of a store do on their first use.
func (s *Store) Planner(ctx context.Context) (*Planner, error) {
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	p := &Planner{conn: conn}
	for name, st := range hot {
		text := s.texts[st]
		nulls := strings.TrimSuffix(strings.Repeat("NULL,", argumentsOf(text)), ",")
		_, err := conn.Exec(ctx, fmt.Sprintf("PREPARE %s AS %s", label(name), text))
		if err == nil {
			_, err = conn.Exec(ctx, "EXPLAIN EXECUTE "+called(name, nulls))
		}
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("plan %s: %w", name, err)
		}
	}
	return p, nil
}

func label(name string) string { return "hot_" + strings.ReplaceAll(name, " ", "_") }

// called gives a statement with its arguments.
func called(name, arguments string) string {
	if arguments == "" {
		return label(name)
	}
	return fmt.Sprintf("%s(%s)", label(name), arguments)
}

// argumentsOf gives the highest number of a parameter in a text.
func argumentsOf(text string) int {
	for n := 20; n > 0; n-- {
		if strings.Contains(text, fmt.Sprint("$", n)) {
			return n
		}
	}
	return 0
}

// Close gives the connection back.
func (p *Planner) Close() { p.conn.Release() }

// node is a step of a plan that was run.
type node struct {
	Hit     int64   `json:"Shared Hit Blocks"`
	Read    int64   `json:"Shared Read Blocks"`
	Loops   float64 `json:"Actual Loops"`
	Joined  float64 `json:"Rows Removed by Join Filter"`
	Removed float64 `json:"Rows Removed by Filter"`
	Plans   []node
}

// inVain gives how many rows were looked at for nothing.
func (n *node) inVain() int64 {
	rows := int64(n.Loops * (n.Joined + n.Removed))
	for k := range n.Plans {
		rows += n.Plans[k].inVain()
	}
	return rows
}

// Cost runs a hot statement with arguments that are written in SQL, undoes it, and gives how many
// pages, and rows in vain, it has looked at, and how it went about it.
func (p *Planner) Cost(ctx context.Context, name, arguments string) (cost int64, plan string, err error) {
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	text := "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE " + called(name, arguments)
	if err := tx.QueryRow(ctx, text).Scan(&plan); err != nil {
		return 0, "", err
	}
	var explained []struct{ Plan node }
	if err := json.Unmarshal([]byte(plan), &explained); err != nil {
		return 0, plan, err
	}
	top := &explained[0].Plan
	return top.Hit + top.Read + top.inVain(), plan, nil
}
