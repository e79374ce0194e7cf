package main

import (
	"context"
	"time"

	"duroxide/engine"
	"duroxide/history"
	"duroxide/provider"
)

var manageRequests = map[string]handler{
	"client.stats":      withClient(serveStats),
	"client.metrics":    withClient(serveMetrics),
	"client.depths":     withClient(serveDepths),
	"client.list":       withClient(serveList),
	"client.instance":   withClient(serveInstance),
	"client.execution":  withClient(serveExecution),
	"client.executions": withClient(serveExecutions),
	"client.history":    withClient(serveHistory),
	"client.tree":       withClient(serveTree),
	"client.delete":     withClient(serveDelete),
	"client.deleteBulk": withClient(serveDeleteBulk),
	"client.prune":      withClient(servePrune),
	"client.pruneBulk":  withClient(servePruneBulk),
}

type statsValue struct {
	HistoryEventCount int   `json:"historyEventCount"`
	HistorySizeBytes  int64 `json:"historySizeBytes"`
	QueuePendingCount int   `json:"queuePendingCount"`
	KvUserKeyCount    int   `json:"kvUserKeyCount"`
	KvTotalValueBytes int64 `json:"kvTotalValueBytes"`
}

type statsResult struct {
	Stats *statsValue `json:"stats"`
}

func serveStats(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	s, err := c.Stats(ctx, a.Instance)
	if err != nil || s == nil {
		return result{value: statsResult{}}, err
	}
	return result{value: statsResult{&statsValue{
		HistoryEventCount: s.Events,
		HistorySizeBytes:  s.Bytes,
		QueuePendingCount: s.Pending,
		KvUserKeyCount:    s.Keys,
		KvTotalValueBytes: s.ValueBytes,
	}}}, nil
}

type metricsValue struct {
	TotalInstances     int `json:"totalInstances"`
	TotalExecutions    int `json:"totalExecutions"`
	RunningInstances   int `json:"runningInstances"`
	CompletedInstances int `json:"completedInstances"`
	FailedInstances    int `json:"failedInstances"`
	TotalEvents        int `json:"totalEvents"`
}

func serveMetrics(ctx context.Context, c *engine.Client, _ storeArguments, _ string) (result, error) {
	m, err := c.Metrics(ctx)
	return result{value: metricsValue{
		TotalInstances:     m.Instances,
		TotalExecutions:    m.Executions,
		RunningInstances:   m.Running,
		CompletedInstances: m.Completed,
		FailedInstances:    m.Failed,
		TotalEvents:        m.Events,
	}}, err
}

type depthsValue struct {
	OrchestratorQueue int `json:"orchestratorQueue"`
	WorkerQueue       int `json:"workerQueue"`
	TimerQueue        int `json:"timerQueue"`
}

func serveDepths(ctx context.Context, c *engine.Client, _ storeArguments, _ string) (result, error) {
	d, err := c.Depths(ctx)
	return result{value: depthsValue{
		OrchestratorQueue: d.Messages, WorkerQueue: d.Tasks, TimerQueue: d.Timers,
	}}, err
}

// listArguments filter client.list; null and false mean no condition.
type listArguments struct {
	storeArguments
	Status          *string  `json:"status"`
	RootsOnly       bool     `json:"rootsOnly"`
	FinalOnly       bool     `json:"finalOnly"`
	IDs             []string `json:"ids"`
	CompletedBefore *float64 `json:"completedBefore"`
	Limit           *int     `json:"limit"`
	Before          *string  `json:"before"`
	IDPrefix        *string  `json:"idPrefix"`
	Name            *string  `json:"name"`
	CreatedFrom     *float64 `json:"createdFrom"`
	CreatedBefore   *float64 `json:"createdBefore"`
}

var statusesByName = map[string]provider.ExecutionStatus{
	provider.Running.String():        provider.Running,
	provider.Completed.String():      provider.Completed,
	provider.Failed.String():         provider.Failed,
	provider.ContinuedAsNew.String(): provider.ContinuedAsNew,
}

type listResult struct {
	Instances []string `json:"instances"`
}

// query gives the conditions; false where nothing can fit them.
func (a *listArguments) query() (provider.ListQuery, bool) {
	q := provider.ListQuery{
		RootsOnly: a.RootsOnly, FinalOnly: a.FinalOnly, IDs: a.IDs, Limit: valueOf(a.Limit),
		CompletedBefore: timeOf(a.CompletedBefore), Before: valueOf(a.Before),
		IDPrefix: valueOf(a.IDPrefix), Name: valueOf(a.Name),
		CreatedFrom: timeOf(a.CreatedFrom), CreatedBefore: timeOf(a.CreatedBefore),
	}
	if a.Status != nil {
		status, ok := statusesByName[*a.Status]
		if !ok {
			return q, false
		}
		q.Status = status
	}
	return q, true
}

func serveList(ctx context.Context, c *engine.Client, a listArguments, _ string) (result, error) {
	q, ok := a.query()
	if !ok {
		return result{value: listResult{[]string{}}}, nil
	}
	ids, err := c.List(ctx, q)
	return result{value: listResult{notNil(ids)}}, err
}

// valueOf gives the value, or zero for none.
func valueOf[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// notNil makes an empty list, which is [] in JSON, of none, which would be null.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// timeOf makes a time of JavaScript's milliseconds; none is the zero time.
func timeOf(ms *float64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(*ms))
}

// timeMs gives the milliseconds of a time, or nil for the zero time.
func timeMs(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

type instanceValue struct {
	InstanceID           string     `json:"instanceId"`
	OrchestrationName    string     `json:"orchestrationName"`
	OrchestrationVersion *string    `json:"orchestrationVersion"`
	CurrentExecutionID   uint64     `json:"currentExecutionId"`
	Status               string     `json:"status"`
	CreatedAt            *int64     `json:"createdAt"`
	UpdatedAt            *int64     `json:"updatedAt"`
	StartAt              *int64     `json:"startAt"`
	TimeoutAt            *int64     `json:"timeoutAt"`
	ParentInstanceID     *string    `json:"parentInstanceId"`
	Hold                 *holdValue `json:"hold"`
	// Cancelling is null where it is not being cancelled.
	Cancelling *provider.Cancelling `json:"cancelling"`
	Failure    *history.Told        `json:"failure"`
	// Imported is true or null.
	Imported *bool `json:"imported"`
}

func serveInstance(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	i, err := c.Instance(ctx, a.Instance)
	if err != nil {
		return result{}, err
	}
	v, payload, err := instanceOf(ctx, c, i)
	return result{value: v, payload: payload}, err
}

// instanceOf describes an instance, and gives its output.
func instanceOf(
	ctx context.Context, c *engine.Client, i provider.InstanceInfo,
) (v instanceValue, payload *string, err error) {
	v = summaryOf(i)
	v.Failure, err = failureOf(ctx, c, i.Instance, i.Execution, i.Status)
	return v, outputOf(i.Status, i.Output), err
}

// summaryOf describes an instance without how it has ended.
func summaryOf(i provider.InstanceInfo) instanceValue {
	v := instanceValue{
		InstanceID: i.Instance, OrchestrationName: i.Name,
		CurrentExecutionID: max(i.Execution, 1), Status: i.Status.String(),
		CreatedAt: timeMs(i.Created), UpdatedAt: timeMs(i.Updated),
		OrchestrationVersion: textOrNil(i.Version), ParentInstanceID: textOrNil(i.Parent),
		StartAt: timeMs(i.StartAt), TimeoutAt: timeMs(i.TimeoutAt),
	}
	v.Hold, v.Cancelling = holdOf(i.Hold), i.Cancelling
	if i.Imported {
		v.Imported = &i.Imported
	}
	if i.Status == provider.NotCommitted { // Its start is stored.
		v.Status = provider.Running.String()
	}
	return v
}

// failureOf tells of the failure that has ended an execution.
func failureOf(
	ctx context.Context, c *engine.Client, instance string, execution uint64,
	status provider.ExecutionStatus,
) (*history.Told, error) {
	if status != provider.Failed {
		return nil, nil
	}
	f, err := c.Failure(ctx, instance, execution)
	return told(f), err
}

// outputOf gives the output of an execution that has ended.
func outputOf(status provider.ExecutionStatus, output string) *string {
	if !status.IsFinal() {
		return nil
	}
	return &output
}

type executionArguments struct {
	storeArguments
	Instance  string `json:"instance"`
	Execution uint64 `json:"execution"`
}

type executionValue struct {
	ExecutionID uint64        `json:"executionId"`
	Status      string        `json:"status"`
	StartedAt   *int64        `json:"startedAt"`
	CompletedAt *int64        `json:"completedAt"`
	EventCount  int           `json:"eventCount"`
	Failure     *history.Told `json:"failure"`
}

func serveExecution(ctx context.Context, c *engine.Client, a executionArguments, _ string) (result, error) {
	e, err := c.Execution(ctx, a.Instance, a.Execution)
	if err != nil {
		return result{}, err
	}
	failure, err := failureOf(ctx, c, a.Instance, e.Execution, e.Status)
	return result{
		value: executionValue{
			ExecutionID: e.Execution, Status: e.Status.String(), StartedAt: timeMs(e.Started),
			CompletedAt: timeMs(e.Completed), EventCount: e.Events, Failure: failure,
		},
		payload: outputOf(e.Status, e.Output),
	}, err
}

type executionsResult struct {
	Executions []uint64 `json:"executions"`
}

func serveExecutions(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	executions, err := c.Executions(ctx, a.Instance)
	return result{value: executionsResult{notNil(executions)}}, err
}

type eventValue struct {
	EventID       uint64        `json:"eventId"`
	Kind          string        `json:"kind"`
	TimestampMs   int64         `json:"timestampMs"`
	SourceEventID *uint64       `json:"sourceEventId"`
	Data          *string       `json:"data"`
	Failure       *history.Told `json:"failure"`
}

type historyResult struct {
	Events []eventValue `json:"events"`
}

func serveHistory(ctx context.Context, c *engine.Client, a executionArguments, _ string) (result, error) {
	events, err := c.History(ctx, a.Instance, a.Execution)
	values := make([]eventValue, len(events))
	for i := range events {
		values[i] = eventOf(&events[i])
	}
	return result{value: historyResult{values}}, err
}

func eventOf(e *history.Event) eventValue {
	v := eventValue{EventID: e.ID, Kind: e.Kind().String(), TimestampMs: e.TimeMs}
	if f := e.Failure(); f != nil {
		v.Failure = told(f)
		v.Failure.Text = f.Display()
	}
	if e.Source != 0 {
		v.SourceEventID = &e.Source
	}
	if data, ok := e.JSON(); ok {
		v.Data = &data
	}
	return v
}

type treeResult struct {
	IDs []string `json:"ids"`
}

func serveTree(ctx context.Context, c *engine.Client, a instanceArguments, _ string) (result, error) {
	ids, err := c.Tree(ctx, a.Instance)
	return result{value: treeResult{notNil(ids)}}, err
}

type deleteArguments struct {
	storeArguments
	Instance string `json:"instance"`
	Force    bool   `json:"force"`
}

type deletedValue struct {
	InstancesDeleted     int `json:"instancesDeleted"`
	ExecutionsDeleted    int `json:"executionsDeleted"`
	EventsDeleted        int `json:"eventsDeleted"`
	QueueMessagesDeleted int `json:"queueMessagesDeleted"`
}

func deletedResult(d provider.Deleted, err error) (result, error) {
	return result{value: deletedValue{d.Instances, d.Executions, d.Events, d.Messages}}, err
}

func serveDelete(ctx context.Context, c *engine.Client, a deleteArguments, _ string) (result, error) {
	return deletedResult(c.Delete(ctx, a.Instance, a.Force))
}

// filterArguments name a store and what to select in it.
type filterArguments struct {
	storeArguments
	conditions
}

// conditions select instances; null means no condition.
type conditions struct {
	IDs             []string `json:"ids"`
	CompletedBefore *float64 `json:"completedBefore"`
	Limit           *int     `json:"limit"`
}

func (a conditions) filter() engine.Filter {
	return engine.Filter{
		IDs: a.IDs, CompletedBefore: timeOf(a.CompletedBefore), Limit: valueOf(a.Limit),
	}
}

func serveDeleteBulk(ctx context.Context, c *engine.Client, a filterArguments, _ string) (result, error) {
	return deletedResult(c.DeleteBulk(ctx, a.filter()))
}

type pruneArguments struct {
	storeArguments
	Instance        string   `json:"instance"`
	KeepLast        *int     `json:"keepLast"`
	CompletedBefore *float64 `json:"completedBefore"`
}

type prunedValue struct {
	InstancesProcessed int `json:"instancesProcessed"`
	ExecutionsDeleted  int `json:"executionsDeleted"`
	EventsDeleted      int `json:"eventsDeleted"`
}

func prunedResult(p engine.PruneResult, err error) (result, error) {
	return result{value: prunedValue{p.Instances, p.Executions, p.Events}}, err
}

func servePrune(ctx context.Context, c *engine.Client, a pruneArguments, _ string) (result, error) {
	return prunedResult(c.Prune(ctx, a.Instance, provider.PruneOptions{
		KeepLast: valueOf(a.KeepLast), CompletedBefore: timeOf(a.CompletedBefore),
	}))
}

type pruneBulkArguments struct {
	storeArguments
	// Filter selects the instances; its conditions are those of client.deleteBulk.
	Filter          conditions `json:"filter"`
	KeepLast        *int       `json:"keepLast"`
	CompletedBefore *float64   `json:"completedBefore"`
}

func servePruneBulk(
	ctx context.Context, c *engine.Client, a pruneBulkArguments, _ string,
) (result, error) {
	return prunedResult(c.PruneBulk(ctx, a.Filter.filter(), provider.PruneOptions{
		KeepLast: valueOf(a.KeepLast), CompletedBefore: timeOf(a.CompletedBefore),
	}))
}
