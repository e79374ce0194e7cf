package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"duroxide/provider"
)

// A start that an older release stored has no cold row.
var sqlStatus = define(`
SELECT i.id, i.execution, i.status, e.output, d.custom_status, d.custom_status_version,
  d.instance IS NOT NULL, e.instance IS NOT NULL, d.hold, i.last_event,
  d.cancelling
FROM S.instances i
LEFT JOIN LATERAL (
  SELECT instance, custom_status, custom_status_version, hold, cancelling FROM S.details
  WHERE instance = i.key OFFSET 0) d ON true
LEFT JOIN LATERAL (
  SELECT instance, output FROM S.executions
  WHERE instance = i.key AND execution = i.execution OFFSET 0) e ON true
WHERE i.id = ANY($1::text[]) AND (d.instance IS NOT NULL OR i.execution > 0 OR EXISTS (
  SELECT 1 FROM S.messages m WHERE m.instance = i.key AND m.kind IN ` + starts + `))`)

// askedAtOnce bounds the states that one query reads.
const askedAtOnce = 256

// question asks for the state of one instance.
type question struct {
	instance string
	status   *provider.Status
	err      error
	done     chan struct{}
}

// Status gives the state of an instance, or nil. Whoever asks may wait for a change, so that
// other processes tell of changes of this instance by name from now on.
func (s *Store) Status(ctx context.Context, instance string) (*provider.Status, error) {
	s.asked.add(instance)
	if err := s.enter(ctx); err != nil {
		return nil, failure("get_status", err)
	}
	defer s.leave()
	q := &question{instance: askable(instance), done: make(chan struct{})}
	select {
	case s.questions <- q:
	case <-ctx.Done():
		return nil, failure("get_status", ctx.Err())
	}
	select {
	case <-q.done:
		return q.status, q.err
	case <-ctx.Done():
		return nil, failure("get_status", ctx.Err())
	}
}

// answers reads states: all that were asked for while a query was under way are one query.
func (s *Store) answers() {
	for {
		var batch []*question
		select {
		case q := <-s.questions:
			batch = append(batch, q)
		case <-s.background.Done():
			return
		}
		for more := true; more && len(batch) < askedAtOnce; {
			select {
			case q := <-s.questions:
				batch = append(batch, q)
			default:
				more = false
			}
		}
		s.answer(batch)
	}
}

func (s *Store) answer(batch []*question) {
	ids := make([]string, len(batch))
	for n, q := range batch {
		ids[n] = q.instance
	}
	found := map[string]*provider.Status{}
	damaged := map[string]error{}
	err := s.read(s.background, "get_status", func(p *pipeline) {
		clear(found)
		clear(damaged)
		p.each(sqlStatus, func(r pgx.Rows) error { return scanStatus(r, found, damaged) }, distinct(ids))
	})
	for _, q := range batch {
		q.status, q.err = found[q.instance], err
		if damage := damaged[q.instance]; err == nil && damage != nil {
			q.status, q.err = nil, failure("get_status", damage)
		}
		close(q.done)
	}
}

func scanStatus(r pgx.Rows, found map[string]*provider.Status, damaged map[string]error) error {
	var stored provider.Whole
	var execution, last int64
	var version *int64
	var state int16
	var output, custom, hold, cancelling []byte
	err := r.Scan(&stored.Instance, &execution, &state, &output, &custom, &version,
		&stored.HasDetails, &stored.HasExecution, &hold, &last, &cancelling)
	stored.Execution, stored.Status = unsigned(execution), executionStatus(state)
	damaged[stored.Instance] = stored.Check()
	status := &provider.Status{
		Execution:    stored.Execution,
		Status:       stored.Status,
		Output:       string(output),
		CustomStatus: optionalText(custom),
		Hold:         provider.DecodeHold(hold).At(stored.Execution, unsigned(last), stored.Status),
		Cancelling:   provider.DecodeCancelling(cancelling).At(stored.Status),
	}
	if version != nil {
		status.CustomStatusVersion = unsigned(*version)
	}
	found[stored.Instance] = status
	return err
}
