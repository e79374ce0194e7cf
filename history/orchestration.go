package history

import "encoding/json"

// How executions begin and end, and what is asked of them and of other instances.
const (
	KindOrchestrationStarted         Kind = 1
	KindOrchestrationCompleted       Kind = 2
	KindOrchestrationFailed          Kind = 3
	KindOrchestrationContinuedAsNew  Kind = 4
	KindOrchestrationCancelRequested Kind = 5
	KindOrchestrationChained         Kind = 6
)

var orchestrationKinds = family{
	KindOrchestrationStarted:         named[OrchestrationStarted]("OrchestrationStarted"),
	KindOrchestrationCompleted:       named[OrchestrationCompleted]("OrchestrationCompleted"),
	KindOrchestrationFailed:          named[OrchestrationFailed]("OrchestrationFailed"),
	KindOrchestrationContinuedAsNew:  named[OrchestrationContinuedAsNew]("OrchestrationContinuedAsNew"),
	KindOrchestrationCancelRequested: named[OrchestrationCancelRequested]("OrchestrationCancelRequested"),
	KindOrchestrationChained:         named[OrchestrationChained]("OrchestrationChained"),
}

// OrchestrationStarted is event 1 of every execution.
type OrchestrationStarted struct {
	Name    string
	Version string
	Input   string
	// Parent is nil for root instances.
	Parent *Parent
	// Carried lists the unread queue messages of the previous execution, oldest first.
	Carried []Carried
	// CustomStatus is the custom status inherited from the previous execution; nil means none.
	CustomStatus *string
	// Rules is the number of the rules that the execution is replayed under; see NewestRules.
	Rules uint64
	// StrictValues says that values which lose something as JSON are refused.
	StrictValues bool
	// Headers is the JSON text of what travels with the instance, or "".
	Headers string
	Timeout Timeout
}

// Timeout is the time limit of an instance, over all its executions. The zero one is none.
type Timeout struct {
	// Ms is how long it may take, AtMs when that is over, in Unix milliseconds.
	Ms   uint64
	AtMs int64
}

// IsZero reports whether there is no limit.
func (t Timeout) IsZero() bool { return t.Ms == 0 }

// Anew gives the limit of what begins, or goes on by hand, at a time.
func (t Timeout) Anew(nowMs int64) Timeout {
	if !t.IsZero() {
		t.AtMs = nowMs + int64(t.Ms) //nolint:gosec // who starts it bounds it
	}
	return t
}

// Timeout carries the time limit of an instance.
func (w *Wire) Timeout(t *Timeout) {
	if w.Since(formatWithTimeouts) {
		w.Uint(&t.Ms)
		w.Int(&t.AtMs)
	}
}

// Kind gives the number of the kind.
func (OrchestrationStarted) Kind() Kind { return KindOrchestrationStarted }

func (d *OrchestrationStarted) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Version)
	w.Text(&d.Input)
	w.Parent(&d.Parent)
	w.CarriedList(&d.Carried)
	w.OptionalText(&d.CustomStatus)
	if !w.Since(3) {
		return
	}
	w.Uint(&d.Rules)
	d.StrictValues = w.present(d.StrictValues)
	if d.Rules > NewestRules {
		w.Newer("rules %d", d.Rules)
	}
	if w.Since(formatWithHeaders) {
		w.Text(&d.Headers)
	}
	w.Timeout(&d.Timeout)
}

func (d OrchestrationStarted) encode(w *Wire) { d.fields(w) }

type (
	startedShape struct {
		Name         string          `json:"name"`
		Version      string          `json:"version"`
		Input        json.RawMessage `json:"input"`
		Parent       *parentShape    `json:"parent,omitempty"`
		Carried      []messageShape  `json:"carried,omitempty"`
		CustomStatus *string         `json:"customStatus,omitempty"`
		Rules        uint64          `json:"rules,omitempty"`
		Headers      json.RawMessage `json:"headers,omitempty"`
		TimeoutMs    uint64          `json:"executionTimeoutMs,omitempty"`
	}
	parentShape struct {
		Instance  string `json:"instance"`
		Execution uint64 `json:"executionId"`
		Event     uint64 `json:"eventId"`
	}
)

func (d OrchestrationStarted) shape() any {
	s := startedShape{
		Name: d.Name, Version: d.Version, Input: payload(d.Input), CustomStatus: d.CustomStatus,
		Rules: d.Rules, TimeoutMs: d.Timeout.Ms,
	}
	if d.Headers != "" {
		s.Headers = payload(d.Headers)
	}
	if p := d.Parent; p != nil {
		s.Parent = &parentShape{Instance: p.Instance, Execution: p.Execution, Event: p.Event}
	}
	for _, m := range d.Carried {
		s.Carried = append(s.Carried, messageShape{Name: m.Name, Data: payload(m.Data)})
	}
	return s
}

// OrchestrationCompleted ends an execution with a result.
type OrchestrationCompleted struct{ Output string }

// Kind gives the number of the kind.
func (OrchestrationCompleted) Kind() Kind { return KindOrchestrationCompleted }

func (OrchestrationCompleted) ends() {}

func (d *OrchestrationCompleted) fields(w *Wire) { w.Text(&d.Output) }

func (d OrchestrationCompleted) encode(w *Wire) { d.fields(w) }

func (d OrchestrationCompleted) shape() any { return payload(d.Output) }

// OrchestrationFailed ends an execution with a failure of any category.
type OrchestrationFailed struct{ Failure Failure }

// Kind gives the number of the kind.
func (OrchestrationFailed) Kind() Kind { return KindOrchestrationFailed }

func (OrchestrationFailed) ends() {}

func (d *OrchestrationFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d OrchestrationFailed) encode(w *Wire) { d.fields(w) }

func (d OrchestrationFailed) shape() any { return failureShape(d.Failure) }

func (d OrchestrationFailed) failure() *Failure { return &d.Failure }

// OrchestrationContinuedAsNew ends an execution that a successor continues.
type OrchestrationContinuedAsNew struct {
	// Input is the input of the successor.
	Input string
}

// Kind gives the number of the kind.
func (OrchestrationContinuedAsNew) Kind() Kind { return KindOrchestrationContinuedAsNew }

func (OrchestrationContinuedAsNew) ends() {}

func (d *OrchestrationContinuedAsNew) fields(w *Wire) { w.Text(&d.Input) }

func (d OrchestrationContinuedAsNew) encode(w *Wire) { d.fields(w) }

type inputShape struct {
	Input json.RawMessage `json:"input"`
}

func (d OrchestrationContinuedAsNew) shape() any { return inputShape{Input: payload(d.Input)} }

// OrchestrationCancelRequested records the first cancel request of an execution.
type OrchestrationCancelRequested struct {
	Reason string
	// TimedOut says that the time of the instance was over.
	TimedOut bool
}

// Kind gives the number of the kind.
func (OrchestrationCancelRequested) Kind() Kind { return KindOrchestrationCancelRequested }

func (OrchestrationCancelRequested) comesIn() {}

func (d *OrchestrationCancelRequested) fields(w *Wire) {
	w.Text(&d.Reason)
	w.timedOut(&d.TimedOut)
}

// timedOut carries whether an instance is stopped because its time is over.
func (w *Wire) timedOut(v *bool) {
	if w.Since(formatWithTimeouts) {
		*v = w.present(*v)
	}
}

func (d OrchestrationCancelRequested) encode(w *Wire) { d.fields(w) }

func (d OrchestrationCancelRequested) shape() any { return reasonShape{Reason: d.Reason} }

// OrchestrationChained records a detached start of another root instance.
type OrchestrationChained struct {
	Name     string
	Instance string
	Input    string
	// Version is nil for "the registry's choice".
	Version *string
	// Number is that of the start within the life of who asks for it; see Life.Started.
	Number uint64
}

// Kind gives the number of the kind.
func (OrchestrationChained) Kind() Kind { return KindOrchestrationChained }

func (d *OrchestrationChained) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Instance)
	w.Text(&d.Input)
	w.OptionalText(&d.Version)
	startNumber(w, &d.Number)
}

func (d OrchestrationChained) encode(w *Wire) { d.fields(w) }

func (d OrchestrationChained) shape() any {
	return callShape{Name: d.Name, Instance: d.Instance, Input: payload(d.Input), Version: d.Version}
}

func (d OrchestrationChained) isLong() bool {
	return isLong(d.Name) || isLong(d.Instance) || isLongVersion(d.Version)
}
