package engine

import (
	"bytes"
	"encoding/json"

	"duroxide/history"
)

// EventData gives the fields of an event as JSON text, in the shape that users read in histories;
// ok is false for kinds without fields. Payloads that are JSON are embedded as they are, others as
// JSON strings, so that the text always is valid JSON.
func EventData(e history.Event) (data string, ok bool) {
	for _, shape := range []func(history.Data) any{
		orchestrationShape, activityShape, childShape, waitShape, stateShape,
	} {
		if v := shape(e.Data); v != nil {
			return encode(v), true
		}
	}
	return "", false
}

type (
	parentShape struct {
		Instance  string `json:"instance"`
		Execution uint64 `json:"executionId"`
		Event     uint64 `json:"eventId"`
	}
	carriedShape struct {
		Name string          `json:"name"`
		Data json.RawMessage `json:"data"`
	}
	startedShape struct {
		Name         string          `json:"name"`
		Version      string          `json:"version"`
		Input        json.RawMessage `json:"input"`
		Parent       *parentShape    `json:"parent,omitempty"`
		Carried      []carriedShape  `json:"carried,omitempty"`
		CustomStatus *string         `json:"customStatus,omitempty"`
		Rules        uint64          `json:"rules,omitempty"`
	}
	// callShape serves activities, children and detached starts.
	callShape struct {
		Name     string          `json:"name"`
		Instance string          `json:"instance,omitempty"`
		Input    json.RawMessage `json:"input"`
		Version  *string         `json:"version,omitempty"`
		Session  *string         `json:"sessionId,omitempty"`
		Tag      *string         `json:"tag,omitempty"`
	}
	inputShape struct {
		Input json.RawMessage `json:"input"`
	}
	reasonShape struct {
		Reason string `json:"reason"`
	}
	timerShape struct {
		FireAtMs int64 `json:"fireAtMs"`
	}
	nameShape struct {
		Name string `json:"name"`
	}
	eventShape struct {
		Name string          `json:"name"`
		Data json.RawMessage `json:"data"`
	}
	statusShape struct {
		Status *string `json:"status"`
	}
	keyShape struct {
		Key string `json:"key"`
	}
	valueShape struct {
		Key         string `json:"key"`
		Value       string `json:"value"`
		UpdatedAtMs int64  `json:"updatedAtMs"`
	}
)

func orchestrationShape(data history.Data) any {
	switch d := data.(type) {
	case history.OrchestrationStarted:
		return startedShapeOf(d)
	case history.OrchestrationCompleted:
		return payload(d.Output)
	case history.OrchestrationFailed:
		return failureShape(d.Failure)
	case history.OrchestrationContinuedAsNew:
		return inputShape{Input: payload(d.Input)}
	case history.OrchestrationCancelRequested:
		return reasonShape(d)
	case history.OrchestrationChained:
		return callShape{
			Name: d.Name, Instance: d.Instance, Input: payload(d.Input), Version: d.Version,
		}
	default:
		return nil
	}
}

func startedShapeOf(d history.OrchestrationStarted) startedShape {
	s := startedShape{
		Name:         d.Name,
		Version:      d.Version,
		Input:        payload(d.Input),
		CustomStatus: d.CustomStatus,
		Rules:        d.Rules,
	}
	if d.Parent != nil {
		s.Parent = &parentShape{
			Instance: d.Parent.Instance, Execution: d.Parent.Execution, Event: d.Parent.Event,
		}
	}
	for _, m := range d.Carried {
		s.Carried = append(s.Carried, carriedShape{Name: m.Name, Data: payload(m.Data)})
	}
	return s
}

func activityShape(data history.Data) any {
	switch d := data.(type) {
	case history.ActivityScheduled:
		return callShape{Name: d.Name, Input: payload(d.Input), Session: d.Session, Tag: d.Tag}
	case history.ActivityCompleted:
		return payload(d.Result)
	case history.ActivityFailed:
		return failureShape(d.Failure)
	case history.ActivityCancelRequested:
		return reasonShape(d)
	default:
		return nil
	}
}

func childShape(data history.Data) any {
	switch d := data.(type) {
	case history.SubOrchestrationScheduled:
		return callShape{
			Name: d.Name, Instance: d.Instance, Input: payload(d.Input), Version: d.Version,
		}
	case history.SubOrchestrationCompleted:
		return payload(d.Result)
	case history.SubOrchestrationFailed:
		return failureShape(d.Failure)
	case history.SubOrchestrationCancelRequested:
		return reasonShape(d)
	default:
		return nil
	}
}

func waitShape(data history.Data) any {
	switch d := data.(type) {
	case history.TimerCreated:
		return timerShape(d)
	case history.TimerFired:
		return timerShape(d)
	case history.ExternalSubscribed:
		return nameShape(d)
	case history.ExternalEvent:
		return eventShape{Name: d.Name, Data: payload(d.Data)}
	case history.ExternalSubscribedCancelled:
		return reasonShape(d)
	case history.QueueSubscribed:
		return nameShape(d)
	case history.QueueEventDelivered:
		return eventShape{Name: d.Name, Data: payload(d.Data)}
	case history.QueueSubscriptionCancelled:
		return reasonShape(d)
	default:
		return nil
	}
}

func stateShape(data history.Data) any {
	switch d := data.(type) {
	case history.CustomStatusUpdated:
		return statusShape(d)
	case history.KeyValueSet:
		return valueShape(d)
	case history.KeyValueCleared:
		return keyShape(d)
	default:
		return nil
	}
}

// payload gives user text as JSON: as it is where it is JSON, null for none, else as a string.
func payload(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	if raw := json.RawMessage(text); json.Valid(raw) {
		return raw
	}
	return json.RawMessage(encode(text))
}

// encode gives JSON text without the escapes that only HTML needs. Its arguments are the shapes
// of this file, which always can be encoded.
func encode(v any) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}
