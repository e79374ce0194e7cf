package history

import (
	"encoding/json"
)

// failureJSON is a failure as users read it in histories: an object with one key, the category.
type failureJSON struct {
	Application    *applicationJSON    `json:"Application,omitempty"`
	Configuration  *configurationJSON  `json:"Configuration,omitempty"`
	Infrastructure *infrastructureJSON `json:"Infrastructure,omitempty"`
	Poison         *poisonJSON         `json:"Poison,omitempty"`
}

type applicationJSON struct {
	// Kind is a text, or an object with one key for kinds with fields.
	Kind      any    `json:"kind"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	// Details is the host's object: name, stack and cause of what was thrown.
	Details json.RawMessage `json:"details,omitempty"`
}

type configurationJSON struct {
	Kind     FailureKind     `json:"kind"`
	Resource string          `json:"resource"`
	Message  string          `json:"message"`
	Details  json.RawMessage `json:"details,omitempty"`
}

type infrastructureJSON struct {
	Operation string `json:"operation"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
}

type poisonJSON struct {
	Attempts    int            `json:"attempt_count"`
	MaxAttempts int            `json:"max_attempts"`
	MessageType map[string]any `json:"message_type"`
	Message     string         `json:"message"`
}

type poisonedJSON struct {
	Instance     string  `json:"instance"`
	Execution    uint64  `json:"execution_id"`
	ActivityName *string `json:"activity_name,omitempty"`
	ActivityID   *uint64 `json:"activity_id,omitempty"`
	Error        *string `json:"error,omitempty"`
}

func failureShape(f Failure) any {
	switch f.Category {
	case Configuration:
		return failureJSON{Configuration: &configurationJSON{
			Kind: NondeterminismKind, Message: f.Message, Details: details(f.Details),
		}}
	case Infrastructure:
		return failureJSON{Infrastructure: &infrastructureJSON{
			Operation: f.Operation, Message: f.Message, Retryable: f.Retryable,
		}}
	case Poison:
		return failureJSON{Poison: poisonShape(f)}
	case Application:
		return failureJSON{Application: applicationShape(f)}
	default:
		return failureJSON{Application: applicationShape(f)}
	}
}

func applicationShape(f Failure) *applicationJSON {
	a := &applicationJSON{
		Kind: f.Kind, Message: f.Message, Retryable: f.Retryable, Details: details(f.Details),
	}
	if f.IsStop() {
		a.Kind = map[string]any{string(f.Kind): reasonShape{Reason: f.Reason}}
	}
	return a
}

func poisonShape(f Failure) *poisonJSON {
	kind := f.Kind
	what := poisonedJSON{Instance: f.Instance, Execution: f.Execution}
	if kind == PoisonActivityKind {
		what.ActivityName, what.ActivityID = &f.ActivityName, &f.ActivityID
	}
	if kind == PoisonHistoryKind {
		what.Error = &f.Message
	}
	return &poisonJSON{
		Attempts:    f.Attempts,
		MaxAttempts: f.MaxAttempts,
		MessageType: map[string]any{string(kind): what},
		Message:     f.Message,
	}
}

// details passes the host's object on, and leaves out what is not JSON.
func details(text string) json.RawMessage {
	if raw := json.RawMessage(text); json.Valid(raw) {
		return raw
	}
	return nil
}
