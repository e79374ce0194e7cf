package main

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/engine/replay"
)

// frameOf makes a frame of records, as a queue does.
func frameOf(records ...[]byte) []byte {
	frame := make([]byte, frameHeader)
	binary.LittleEndian.PutUint32(frame, uint32(len(records)))
	for _, r := range records {
		frame = append(frame, r...)
	}
	return frame
}

func readAll(t *testing.T, frame []byte) []*record {
	t.Helper()
	var records []*record
	require.NoError(t, eachRecord(frame, func(r *record) { records = append(records, r) }))
	return records
}

// encodeRecord gives the bytes of a record, as the host finds them.
func encodeRecord(kind, flags uint16, token uint64, ints []uint32, texts []text) ([]byte, error) {
	record, err := packRecord(kind, flags, token, ints, texts)
	if err != nil {
		return nil, err
	}
	b := make([]byte, record.size)
	b = b[:record.copyTo(b)]
	return b, nil
}

func TestRecordsKeepEveryFieldInOrder(t *testing.T) {
	t.Parallel()
	texts := []text{
		some(strings.Repeat("x", largeText)),
		some(""),
		some("plain"),
		some("ü\x00ß"),
		{missing: true},
		some(strings.Repeat("é", 70_000)),
		some(strings.Repeat("y", largeText+1)),
		some("after"),
	}
	first, err := encodeRecord(7, 3, 1<<52+5, []uint32{1, 0xffffffff, 3}, texts)
	require.NoError(t, err)
	second, err := encodeRecord(8, 0, 2, nil, nil)
	require.NoError(t, err)

	records := readAll(t, frameOf(first, second))
	require.Len(t, records, 2)
	r := records[0]
	require.Equal(t, []any{uint16(7), uint16(3), uint64(1<<52 + 5)}, []any{r.kind, r.flags, r.token})
	require.Equal(t, []uint32{1, 0xffffffff, 3}, []uint32{r.int(), r.int(), r.int()})
	for _, want := range texts {
		got := r.optionalText()
		require.Equal(t, want.missing, got == nil)
		require.Equal(t, want.value, emptyIfNil(got))
	}
	require.NoError(t, r.err)
	require.Equal(t, uint16(8), records[1].kind)
}

func TestTheASCIIBitIsSetForASCIIOnly(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]uint32{
		"": 1, "a": 1, "12345678": 1, "123456789": 1, "1234567é": 0, "é2345678": 0, "12345678é": 0,
	} {
		require.Equal(t, want, lengthField(some(value))&1, "%q", value)
	}
	require.Equal(t, uint32(nullLength), lengthField(text{missing: true}))
}

func TestATextThatJavaScriptCannotHoldIsRefused(t *testing.T) {
	t.Parallel()
	_, err := encodeRecord(1, 0, 1, nil, []text{some(strings.Repeat("x", maxText+1))})
	require.ErrorIs(t, err, errTooLarge)
}

func TestMissingFieldsAreAnErrorAndNotAPanic(t *testing.T) {
	t.Parallel()
	b, err := encodeRecord(kindRunAnswer, 0, 1, []uint32{outcomeNone, 0xffffffff}, nil)
	require.NoError(t, err)
	_, err = decodeRunAnswer(readAll(t, frameOf(b))[0])
	require.ErrorIs(t, err, errFrame)

	b, err = encodeRecord(kindActivityAnswer, flagOK, 1, []uint32{0}, []text{{missing: true}})
	require.NoError(t, err)
	_, err = decodeActivityAnswer(readAll(t, frameOf(b))[0])
	require.ErrorIs(t, err, errFrame)
}

func TestBrokenFramesAreRefused(t *testing.T) {
	t.Parallel()
	whole, err := encodeRecord(1, 0, 1, []uint32{1}, []text{some("text")})
	require.NoError(t, err)
	for name, frame := range map[string][]byte{
		"shorter than its header": {1, 0, 0},
		"fewer records than said": frameOf(whole)[:frameHeader],
		"cut record":              frameOf(whole[:len(whole)-8]),
		"zero size":               frameOf(make([]byte, 24)),
	} {
		require.ErrorIs(t, eachRecord(frame, func(*record) {}), errFrame, name)
	}
}

func TestARunAnswerIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	ints := []uint32{outcomeReturned, 2, 0, 1, uint32(replay.Activity)}
	ints = appendLong(ints, 1<<40)
	ints = appendLong(ints, 1<<41)
	b, err := encodeRecord(kindRunAnswer, 0, 9, ints, []text{
		some("name"), some("input"),
		{missing: true},
		{missing: true},
		some("instance"),
		some("session"),
		{missing: true},
		some("output"),
	})
	require.NoError(t, err)
	answer, err := decodeRunAnswer(readAll(t, frameOf(b))[0])
	require.NoError(t, err)
	instance, session := "instance", "session"
	require.Equal(t, replay.Answer{
		Steps: [][]replay.Action{nil, {{
			Kind: replay.Activity, Token: 1 << 40, DelayMs: 1 << 41, Name: "name", Input: "input",
			Instance: &instance, Session: &session,
		}}},
		Done: true, OK: true, Output: "output",
	}, answer)
}

func FuzzFrame(f *testing.F) {
	run, err := encodeRun(1, &engine.RunRequest{
		Resident: 1, Deliveries: []replay.Delivery{{Token: 1, OK: true, Value: "é"}},
	})
	require.NoError(f, err)
	f.Add(frameOf(run.bytes))
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, frame []byte) {
		// Whatever the bytes are, reading them ends and stays inside them.
		_ = eachRecord(frame, func(r *record) {
			_, _ = decodeRunAnswer(r)
			_, _ = decodeActivityAnswer(r)
			_, _ = decodeRequest(r)
		})
	})
}
