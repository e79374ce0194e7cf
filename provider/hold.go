package provider

import (
	"slices"
	"strings"

	"duroxide/history"
)

// Hold says why an instance does not go on: what was recorded does not fit the code of the processes that
// had it. Nothing of it is lost meanwhile: it goes on where there is other code, or once it is released. It
// is stored as JSON, for people too.
type Hold struct {
	// Execution and LastEvent are where the instance stood. It is held as long as it stands there.
	Execution uint64 `json:"execution"`
	LastEvent uint64 `json:"lastEvent"`
	// Codes are the codes that do not fit, the last one at the end. No two are the same.
	Codes []string `json:"codes"`
	// Event is the recorded event that does not fit, or zero. Reason says what it is; Asked is what the code
	// asked for, Recorded what is recorded in its place, and Place where in the code that is, each as far as
	// it is known. They are about the last code.
	Event    uint64 `json:"event"`
	Reason   string `json:"reason"`
	Asked    string `json:"asked,omitempty"`
	Recorded string `json:"recorded,omitempty"`
	Place    string `json:"place,omitempty"`
	// SinceMs is when the first of the codes was found not to fit.
	SinceMs int64 `json:"since"`
}

// mostCodes bounds the codes of a hold: the oldest ones are tried again.
const mostCodes = 32

// Again gives the hold of an instance that one more code does not fit. before is how it was held, or nil.
func (h Hold) Again(before *Hold, code string) *Hold {
	if before != nil {
		h.SinceMs = before.SinceMs
		h.Codes = slices.DeleteFunc(slices.Clone(before.Codes), func(c string) bool { return c == code })
	}
	h.Codes = append(h.Codes, code)
	h.Codes = h.Codes[max(0, len(h.Codes)-mostCodes):]
	return &h
}

// At gives a hold if the instance still stands where it was held: an older release moves on without ending
// a hold. The receiver may be nil.
func (h *Hold) At(execution, lastEvent uint64, s ExecutionStatus) *Hold {
	if h == nil || s != Running || h.Execution != execution || h.LastEvent != lastEvent {
		return nil
	}
	return h
}

// EncodeHold gives the stored bytes of a hold; nil is none.
func EncodeHold(h *Hold) []byte { return encoded(h) }

// DecodeHold gives back what EncodeHold wrote. What cannot be read holds nothing: then the code is asked
// again.
func DecodeHold(body []byte) *Hold { return decoded[Hold](body) }

// lines stands between codes in the lane of what they do not fit, and in no code.
const lines = "\n"

// Held gives the lane of an instance that would go on in a lane and is held.
func (h *Hold) Held(l Lane) Lane {
	if h == nil {
		return l
	}
	codes := slices.Clone(h.Codes)
	slices.Sort(codes)
	l.Kind, l.Tagged, l.Tag = HeldTurn, true, strings.Join(codes, lines)
	return l
}

// misfits reports whether a code is among those that a lane is held for.
func (l *Lane) misfits(code string) bool {
	return slices.Contains(strings.Split(l.Tag, lines), code)
}

// EndsHeld reports whether a message ends an instance that is held, or that has not begun, without its
// code: then anybody takes it.
func (k MessageKind) EndsHeld() bool { return k == CancelInstance }

// Ends reports whether a message ends an instance with some parent, or none, without its code: what a parent
// says is for its child only.
func (m *Message) Ends(parent *history.Parent) bool {
	return m.Kind.EndsHeld() && (m.Parent == nil || parent != nil && parent.Is(*m.Parent))
}

// BringsForward reports whether a message makes a delayed start due.
func (m *Message) BringsForward(parent *history.Parent) bool {
	return m.Stop != TimedOut && m.Ends(parent)
}
