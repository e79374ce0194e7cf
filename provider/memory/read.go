package memory

import (
	"context"
	"maps"

	"duroxide/history"
	"duroxide/provider"
)

// Load gives the history of an execution and the values that it started from.
func (p *Provider) Load(
	ctx context.Context, id string, number uint64,
) (record provider.Record, err error) {
	err = p.do(ctx, "load", func(s *store) error {
		in := s.committed(id)
		if in == nil {
			return nil
		}
		record.Values = maps.Clone(in.base)
		record.Events, err = in.decodeHistory(number)
		return err
	})
	if err != nil {
		return provider.Record{}, err
	}
	return record, nil
}

// decodeHistory gives all events of an execution, never a shortened list.
func (in *instance) decodeHistory(number uint64) ([]history.Event, error) {
	ex := in.executions[number]
	if ex == nil {
		return nil, nil
	}
	stored := provider.NewHistoryRows(number)
	for _, row := range ex.rows {
		stored.Add(row.first, row.body)
	}
	return stored.Complete(int64(ex.events), ex.lastEvent)
}

// LastEvent gives the last event of an execution, or of the current one for zero.
func (p *Provider) LastEvent(
	ctx context.Context, id string, execution uint64,
) (last *history.Event, err error) {
	err = p.do(ctx, "history", func(s *store) error {
		in := s.committed(id)
		if in == nil {
			return nil
		}
		if execution == 0 {
			execution = in.current
		}
		ex := in.executions[execution]
		if ex == nil || len(ex.rows) == 0 {
			return nil
		}
		row := ex.rows[len(ex.rows)-1]
		last, err = provider.LastOf(execution, row.first, row.body)
		return err
	})
	return last, err
}

// Status gives what waiting clients read.
func (p *Provider) Status(ctx context.Context, id string) (status *provider.Status, err error) {
	err = p.do(ctx, "status", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return nil
		}
		ex := in.execution()
		status = &provider.Status{
			Execution: in.current, Status: ex.status, Output: ex.output,
			CustomStatus: in.customStatus, CustomStatusVersion: in.customStatusVersion, Hold: in.held(),
			Cancelling: in.cancelling.At(ex.status),
		}
		return nil
	})
	return status, err
}

// Value gives one live value.
func (p *Provider) Value(ctx context.Context, id, key string) (*string, error) {
	values, err := p.Values(ctx, id)
	if err != nil {
		return nil, err
	}
	if value, ok := values[key]; ok {
		return &value, nil
	}
	return nil, nil
}

// Values gives all live values.
func (p *Provider) Values(ctx context.Context, id string) (values map[string]string, err error) {
	values = make(map[string]string)
	err = p.do(ctx, "values", func(s *store) error {
		if in := s.committed(id); in != nil {
			for key, value := range in.values() {
				values[key] = value.Data
			}
		}
		return nil
	})
	return values, err
}

// Stats gives sizes.
func (p *Provider) Stats(ctx context.Context, id string) (stats *provider.Stats, err error) {
	err = p.do(ctx, "stats", func(s *store) error {
		in := s.committed(id)
		if in == nil {
			return nil
		}
		ex := in.executions[in.current]
		stats = &provider.Stats{Events: ex.events, Messages: len(in.messages)}
		for _, row := range ex.rows {
			stats.Bytes += int64(len(row.body))
		}
		for _, value := range in.values() {
			stats.Keys++
			stats.ValueBytes += int64(len(value.Data))
		}
		return nil
	})
	return stats, err
}
