package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A frame is a header (record count, zero) and records, all little endian and aligned to 8 bytes.
// A record is: size, kind and flags (two bytes each), token (8 bytes), number of integers, number
// of strings, the integers, the strings' length fields, padding, the strings' bytes, padding. The
// size counts everything. A length field is twice the length in bytes, plus one if all of them are
// ASCII; nullLength stands for a string that is not there.
const (
	frameHeader  = 8
	recordHeader = 24
	nullLength   = math.MaxUint32

	// maxText is what a JavaScript engine can hold in one string, in UTF-16 units.
	maxText = 1<<29 - 24
	// maxRecord bounds a record, so that its size fits its field and a buffer in JavaScript.
	maxRecord = 1<<31 - 8
)

// errTooLarge means that a text or a record cannot cross the border.
var errTooLarge = errors.New("too large to hand to JavaScript")

// errFrame means that a frame of the host is not well formed: a bug of the host.
var errFrame = errors.New("malformed frame")

// text is a string that may be missing.
type text struct {
	value   string
	missing bool
}

func some(s string) text { return text{value: s} }

func optional(s *string) text {
	if s == nil {
		return text{missing: true}
	}
	return text{value: *s}
}

// largeText is from how many bytes on a text is not copied into a record that is to be sent, but from where
// it is into the memory of the host.
const largeText = 4 << 10

// packed is a record that is to be sent.
type packed struct {
	bytes []byte // all of it but the large texts
	large []largeAt
	size  int
}

// largeAt is a large text, and before which of the bytes it stands.
type largeAt struct {
	at    int
	value string
}

// copyTo writes a record into memory that has room for it, and gives its size.
func (p *packed) copyTo(b []byte) int {
	from, at := 0, 0
	for _, l := range p.large {
		at += copy(b[at:], p.bytes[from:l.at])
		at += copy(b[at:], l.value)
		from = l.at
	}
	return at + copy(b[at:], p.bytes[from:])
}

// packRecord makes one record.
func packRecord(kind, flags uint16, token uint64, ints []uint32, texts []text) (packed, error) {
	head := align(recordHeader + 4*(len(ints)+len(texts)))
	size, large, largeBytes := head, 0, 0
	for _, t := range texts {
		if len(t.value) > maxText {
			return packed{}, fmt.Errorf("text of %d bytes: %w", len(t.value), errTooLarge)
		}
		size += len(t.value)
		if len(t.value) >= largeText {
			large++
			largeBytes += len(t.value)
		}
	}
	size = align(size)
	if size > maxRecord {
		return packed{}, fmt.Errorf("record of %d bytes: %w", size, errTooLarge)
	}
	p := packed{bytes: make([]byte, size-largeBytes), size: size}
	if large > 0 {
		p.large = make([]largeAt, 0, large)
	}
	b := p.bytes
	binary.LittleEndian.PutUint32(b, uint32(size)) //nolint:gosec // bounded by maxRecord
	binary.LittleEndian.PutUint16(b[4:], kind)
	binary.LittleEndian.PutUint16(b[6:], flags)
	binary.LittleEndian.PutUint64(b[8:], token)
	binary.LittleEndian.PutUint32(b[16:], uint32(len(ints)))  //nolint:gosec // bounded by maxRecord
	binary.LittleEndian.PutUint32(b[20:], uint32(len(texts))) //nolint:gosec // bounded by maxRecord
	at := recordHeader
	for _, n := range ints {
		binary.LittleEndian.PutUint32(b[at:], n)
		at += 4
	}
	body := head
	for _, t := range texts {
		binary.LittleEndian.PutUint32(b[at:], lengthField(t))
		at += 4
		if len(t.value) >= largeText {
			p.large = append(p.large, largeAt{body, t.value})
		} else {
			body += copy(b[body:], t.value)
		}
	}
	return p, nil
}

func lengthField(t text) uint32 {
	if t.missing {
		return nullLength
	}
	field := uint32(len(t.value)) * 2 //nolint:gosec // bounded by maxText
	if isASCII(t.value) {
		field++
	}
	return field
}

// isASCII looks at eight bytes at a time: the compiler makes one load of the shifts.
func isASCII(s string) bool {
	for len(s) >= 8 {
		word := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if word&0x8080808080808080 != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func align(n int) int { return (n + 7) &^ 7 }

// split gives the two halves in which a 64-bit number crosses.
func split(n uint64) (low, high uint32) {
	return uint32(n & math.MaxUint32), uint32(n >> 32)
}

// record reads one record. The first thing that does not fit makes err, and everything read after
// it is zero; callers check err once, at the end.
type record struct {
	kind  uint16
	flags uint16
	token uint64
	ints  []byte
	sizes []byte
	body  []byte
	err   error
}

// int takes the next integer.
func (r *record) int() uint32 {
	if len(r.ints) < 4 {
		r.fail("integer")
		return 0
	}
	n := binary.LittleEndian.Uint32(r.ints)
	r.ints = r.ints[4:]
	return n
}

// long takes the next two integers as one number.
func (r *record) long() uint64 {
	low := uint64(r.int())
	return low | uint64(r.int())<<32
}

// count takes an integer that says how many integers' or texts' worth of entries follow; it refuses
// numbers that the record cannot hold, so that nobody reserves memory for them.
func (r *record) count() int {
	n := int(r.int())
	if n > len(r.ints)+len(r.sizes) {
		r.fail("count")
		return 0
	}
	return n
}

// text takes the next string, which must be there. The bytes are copied.
func (r *record) text() string {
	s := r.optionalText()
	if s == nil {
		r.fail("string")
		return ""
	}
	return *s
}

// optionalText takes the next string, or nil. The bytes are copied.
func (r *record) optionalText() *string {
	if len(r.sizes) < 4 {
		r.fail("string")
		return nil
	}
	field := binary.LittleEndian.Uint32(r.sizes)
	r.sizes = r.sizes[4:]
	if field == nullLength {
		return nil
	}
	n := int(field / 2)
	if n > len(r.body) {
		r.fail("string's bytes")
		return nil
	}
	s := string(r.body[:n])
	r.body = r.body[n:]
	return &s
}

func (r *record) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("record of kind %d: missing %s: %w", r.kind, what, errFrame)
	}
}

// eachRecord gives the records of a frame in order. It stops at the first that is not well formed.
func eachRecord(frame []byte, take func(*record)) error {
	if len(frame) == 0 {
		return nil
	}
	if len(frame) < frameHeader {
		return fmt.Errorf("header: %w", errFrame)
	}
	count := binary.LittleEndian.Uint32(frame)
	rest := frame[frameHeader:]
	for range count {
		r, size, err := openRecord(rest)
		if err != nil {
			return err
		}
		take(r)
		rest = rest[size:]
	}
	return nil
}

func openRecord(b []byte) (*record, int, error) {
	if len(b) < recordHeader {
		return nil, 0, fmt.Errorf("record header: %w", errFrame)
	}
	size := uint64(binary.LittleEndian.Uint32(b))
	ints := uint64(binary.LittleEndian.Uint32(b[16:]))
	texts := uint64(binary.LittleEndian.Uint32(b[20:]))
	body := (recordHeader + 4*(ints+texts) + 7) &^ 7
	if size > uint64(len(b)) || body > size || size%8 != 0 {
		return nil, 0, fmt.Errorf("record of %d bytes: %w", size, errFrame)
	}
	return &record{
		kind:  binary.LittleEndian.Uint16(b[4:]),
		flags: binary.LittleEndian.Uint16(b[6:]),
		token: binary.LittleEndian.Uint64(b[8:]),
		ints:  b[recordHeader : recordHeader+4*ints],
		sizes: b[recordHeader+4*ints : recordHeader+4*(ints+texts)],
		body:  b[body:size],
	}, int(size), nil //nolint:gosec // not above len(b)
}
