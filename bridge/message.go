package main

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"duroxide/engine"
	"duroxide/engine/replay"
	"duroxide/history"
)

// Kinds of records. Names, numbers and fields are mirrored by lib/native.d.ts and lib/messages.js,
// and described in docs/protocol.md.
const (
	// Engine to host.
	kindRun      uint16 = 1
	kindDrop     uint16 = 2
	kindActivity uint16 = 3
	kindCancel   uint16 = 4
	kindSettle   uint16 = 5
	kindLog      uint16 = 6
	kindEnded    uint16 = 7

	// Host to engine.
	kindRunAnswer      uint16 = 16
	kindActivityAnswer uint16 = 17
	kindRequest        uint16 = 18
)

// Flags of records.
const (
	// flagOpen: the run makes its generator first.
	flagOpen uint16 = 1
	// flagLocate: the answer tells where each action was asked for, and has the flag too.
	flagLocate uint16 = 2
	// flagLongNames: the execution to open began before names had a limit.
	flagLongNames uint16 = 4
	// flagStrictValues: the execution to open refuses values that lose something as JSON.
	flagStrictValues uint16 = 8
	// flagOK: the answer is a result, not an error.
	flagOK uint16 = 1
	// flagReturned: the activity was not begun, because no slot came free for it soon, or because the
	// generator with its closure is not there.
	flagReturned uint16 = 2
	// flagPolicy: the activity has a policy, and attempts of it have failed before.
	flagPolicy uint16 = 1
	// flagHeartbeat: an attempt before has said something of itself.
	flagHeartbeat uint16 = 2
	// flagRetries: the policy has another attempt, flagAsks: code decides about it; the pause comes with it.
	flagRetries uint16 = 4
	flagAsks    uint16 = 8
	// flagAbandoned: nobody waits for the activity any more; its slot is free.
	flagAbandoned uint16 = 1
)

// wordAt is where the record of a run or an activity has the number of its word, its second integer:
// it is written when the record is fetched.
const wordAt = recordHeader + 4

// Outcomes of a run.
const (
	outcomeNone     uint32 = 0
	outcomeReturned uint32 = 1
	outcomeThrew    uint32 = 2
	// outcomeStopped: the code threw the cancellation that it was told of.
	outcomeStopped uint32 = 3
)

// appendLong appends a 64-bit number as two integers.
func appendLong(ints []uint32, n uint64) []uint32 {
	low, high := split(n)
	return append(ints, low, high)
}

// count32 makes an integer of a count, which what a process can hold bounds.
func count32(n int) uint32 { return uint32(n) } //nolint:gosec // see above

// encodeRun makes the record that asks for one run.
func encodeRun(runtime uint32, r *engine.RunRequest) (packed, error) {
	var intRoom [32]uint32
	var textRoom [16]text
	ints, texts := append(intRoom[:0], runtime, noWord), textRoom[:0]
	ints = appendLong(ints, r.Resident)
	ints = append(ints, count32(r.ReplaySteps), count32(len(r.Deliveries)))
	var flags uint16
	if r.Locate {
		flags |= flagLocate
	}
	if o := r.Open; o != nil {
		flags |= flagOpen
		if o.LongNames {
			flags |= flagLongNames
		}
		if o.StrictValues {
			flags |= flagStrictValues
		}
		ints = appendLong(ints, r.Invocation.Execution)
		ints = append(ints, uint32(o.Rules), count32(len(o.Values))) //nolint:gosec // a small number
		texts = append(texts, some(r.Invocation.Instance), some(o.Life.String()), some(r.Invocation.Name),
			some(r.Invocation.Version), some(o.Input), optional(o.CustomStatus), optional(o.Schedule),
			some(o.Headers))
		for i := range o.Values {
			ints = appendLong(ints, uint64(o.Values[i].UpdatedAtMs)) //nolint:gosec // after 1970
			texts = append(texts, some(o.Values[i].Key), some(o.Values[i].Value))
		}
		ints = append(ints, count32(len(o.Patches)))
		for _, name := range slices.Sorted(maps.Keys(o.Patches)) {
			ints = append(ints, bit(o.Patches[name]))
			texts = append(texts, some(name))
		}
	}
	for i := range r.Deliveries {
		d := &r.Deliveries[i]
		ints = append(appendLong(ints, d.Token), bit(d.OK)|bit(d.Asks)<<1)
		texts = append(texts, some(d.Value), some(d.Details))
	}
	// The times of the steps, the start among them.
	if r.Open != nil {
		ints = appendLong(ints, uint64(r.Open.StartedMs)) //nolint:gosec // after 1970
	}
	for i := range r.Deliveries {
		ints = appendLong(ints, uint64(r.Deliveries[i].TimeMs)) //nolint:gosec // after 1970
	}
	return packRecord(kindRun, flags, r.Invocation.Token, ints, texts)
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

func encodeDrop(runtime uint32, resident uint64) (packed, error) {
	return packRecord(kindDrop, 0, resident, []uint32{runtime}, nil)
}

// encodeActivity makes the record that asks for one attempt of an activity.
func encodeActivity(runtime uint32, c *engine.ActivityCall) (packed, error) {
	var intRoom [18]uint32
	var textRoom [10]text
	var flags uint16
	ints := append(intRoom[:0], runtime, noWord)
	ints = appendLong(ints, c.Invocation.Execution)
	ints = appendLong(ints, c.ID)
	for i := 0; i < len(c.Life); i += 4 {
		ints = append(ints, binary.BigEndian.Uint32(c.Life[i:]))
	}
	ints = appendLong(ints, c.Resident)
	ints = appendLong(ints, c.Action)
	ints = append(ints, count32(c.Attempt))
	texts := append(textRoom[:0],
		some(c.Invocation.Instance), some(c.Invocation.Name), some(c.Invocation.Version),
		some(c.Activity), some(c.Input), some(c.WorkerID), optional(c.Session), optional(c.Tag),
		some(c.Headers))
	if p := c.Progress; p != nil {
		flags |= flagPolicy
		ints, texts = appendLong(ints, p.Failed), append(texts, some(p.Policy), optional(toldOf(p.Last)))
	}
	if c.Heartbeat != nil {
		flags |= flagHeartbeat
		texts = append(texts, some(*c.Heartbeat))
	}
	return packRecord(kindActivity, flags, c.Invocation.Token, ints, texts)
}

// toldOf says what the attempt before has failed with; nil for nothing.
func toldOf(f *history.Failure) *string {
	if f == nil {
		return nil
	}
	told := f.Told()
	told.Text = f.Display()
	return new(told.String())
}

func encodeCancel(runtime uint32, token uint64, flags uint16, reason string) (packed, error) {
	return packRecord(kindCancel, flags, token, []uint32{runtime}, []text{some(reason)})
}

// encodeLog makes the record that hands a log line to a logger object.
func encodeLog(runtime, level uint32, target, message, fields string) (packed, error) {
	return packRecord(kindLog, 0, 0, []uint32{runtime, level},
		[]text{some(target), some(message), some(fields)})
}

// encodeEnded makes the record that tells of an execution that has ended: about is JSON text.
func encodeEnded(runtime uint32, about string) (packed, error) {
	return packRecord(kindEnded, 0, 0, []uint32{runtime}, []text{some(about)})
}

// encodeResult settles a request: value is JSON text or "".
func encodeResult(operation uint64, value string, payload *string) (packed, error) {
	return packRecord(kindSettle, flagOK, operation, nil, []text{some(value), optional(payload)})
}

// encodeFailure settles a request with an error.
func encodeFailure(operation uint64, e codedError) (packed, error) {
	return packRecord(kindSettle, 0, operation, nil,
		[]text{some(e.code), some(e.message), some(e.details)})
}

// decodeRunAnswer reads what a run produced.
func decodeRunAnswer(r *record) (replay.Answer, error) {
	outcome := r.int()
	var a replay.Answer
	if n := r.count(); n > 0 {
		a.Steps = make([][]replay.Action, n)
	}
	for i := range a.Steps {
		if n := r.count(); n > 0 {
			a.Steps[i] = make([]replay.Action, n)
		}
		for j := range a.Steps[i] {
			decodeAction(r, &a.Steps[i][j])
			if r.flags&flagLocate != 0 {
				a.Steps[i][j].Location = emptyIfNil(r.optionalText())
			}
		}
	}
	switch outcome {
	case outcomeNone:
	case outcomeReturned:
		a.Done, a.OK, a.Output = true, true, r.text()
	case outcomeThrew, outcomeStopped:
		a.Done, a.Message, a.Details = true, r.text(), r.text()
		a.Stopped = outcome == outcomeStopped
	default:
		r.fail("known outcome")
	}
	return a, r.err
}

func decodeAction(r *record, a *replay.Action) {
	a.Kind = replay.ActionKind(r.int()) //nolint:gosec // the engine refuses unknown kinds
	a.Token = r.long()
	a.DelayMs = r.long()
	a.Name = emptyIfNil(r.optionalText())
	a.Input = emptyIfNil(r.optionalText())
	a.Value = r.optionalText()
	a.Version = r.optionalText()
	a.Instance = r.optionalText()
	a.Session = r.optionalText()
	a.Tag = r.optionalText()
}

func emptyIfNil(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// decodeActivityAnswer reads the outcome of an attempt.
func decodeActivityAnswer(r *record) (engine.ActivityResult, error) {
	if r.flags&flagReturned != 0 {
		return engine.ActivityResult{Returned: true}, r.err
	}
	took := time.Duration(r.int()) * time.Microsecond
	if r.flags&flagOK != 0 {
		return engine.ActivityResult{OK: true, Value: r.text(), Took: took}, r.err
	}
	result := engine.ActivityResult{
		Retries: r.flags&flagRetries != 0, Asks: r.flags&flagAsks != 0, Took: took,
	}
	if result.Retries || result.Asks {
		result.PauseMs = r.long()
	}
	result.Message, result.Details = r.text(), r.text()
	return result, r.err
}

// request is one request of the host.
type request struct {
	operation uint64
	name      string
	arguments string
	payload   *string
}

func decodeRequest(r *record) (request, error) {
	q := request{
		operation: r.token,
		name:      r.text(), arguments: r.text(), payload: r.optionalText(),
	}
	if r.err != nil {
		return request{}, fmt.Errorf("request %d: %w", r.token, r.err)
	}
	return q, nil
}
