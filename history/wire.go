package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
)

// ErrFormat says that stored bytes are not what this version writes: another format, an unknown
// kind, a truncated field, or bytes left over.
var ErrFormat = errors.New("unreadable stored format")

// ErrNewer says that stored bytes are of a newer release: a format, a kind or rules that this version
// does not know. It comes with ErrFormat.
var ErrNewer = errors.New("written by a newer release")

// Wire writes or reads the small binary format that rows, messages and tasks share. One function
// that names the fields in order serves both directions, so that they cannot drift apart: every
// method takes a pointer, writes its value when encoding, and sets it when decoding. After the
// first error all reads give zero values. A Wire is for one goroutine.
type Wire struct {
	out       []byte
	in        string
	decoding  bool
	measuring bool
	size      int // of what was measured
	format    uint8
	err       error
}

// newestFormat is the format that is written: that of rows, messages and tasks. Whatever changes the
// stored fields of anything raises it. Format 1 has no lives and no numbers of starts, format 2 no
// rules, format 3 no headers, format 4 no time limits of instances.
const newestFormat = 5

// lastFormat is the highest number that a format will ever have. What begins with a higher one is no
// record of any release.
const lastFormat = 31

// The formats that came with something that is seldom there. What has none of it is written as before, so
// that releases read it that know none.
const (
	formatBefore       = 3
	formatWithHeaders  = 4
	formatWithTimeouts = newestFormat
)

// Has says what stands in what is to be written: headers, or the time limit of an instance. It comes before
// Format.
func (w *Wire) Has(headers, timeout bool) {
	switch {
	case timeout:
		w.format = formatWithTimeouts
	case headers:
		w.format = formatWithHeaders
	default:
		w.format = formatBefore
	}
}

// Encode gives the bytes of what a function writes, in memory of exactly their length: values may be
// large, and growing would copy them. The function is called twice, first to measure.
func Encode(write func(w *Wire)) []byte {
	w := Wire{measuring: true, format: formatWithHeaders}
	write(&w)
	w.out, w.measuring = make([]byte, 0, w.size), false
	write(&w)
	return w.out
}

// NewDecoder gives a Wire that reads data. The strings that it gives share a text, or one copy of bytes.
func NewDecoder[Data []byte | string](data Data) Wire { return Wire{in: string(data), decoding: true} }

// Finish gives the first error, or ErrFormat if bytes are left over.
func (w *Wire) Finish() error {
	if w.err == nil && w.in != "" {
		w.Fail("%d bytes left over", len(w.in))
	}
	return w.err
}

// Format carries the first byte of everything that is stored. One that this version does not know
// is an error.
func (w *Wire) Format() {
	format := w.format
	w.Byte(&format)
	switch {
	case format < 1 || format > lastFormat:
		w.Fail("format %d", format)
	case format > newestFormat:
		w.Newer("format %d", format)
	}
	w.format = format
}

// Since reports whether what is written or read has the fields that came with a format.
func (w *Wire) Since(format uint8) bool { return w.format >= format }

// Life carries a life, which takes one byte where it is unknown.
func (w *Wire) Life(v *Life) {
	if !w.present(!v.IsZero()) {
		*v = Life{}
		return
	}
	if !w.decoding {
		w.write(string(v[:]))
		return
	}
	copy(v[:], w.take(uint64(len(v))))
}

// Fail records an error that wraps ErrFormat, unless there is one, and ends reading.
func (w *Wire) Fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
	}
	w.in = ""
}

// Newer is Fail for what a newer release has written.
func (w *Wire) Newer(format string, args ...any) {
	w.Fail("%w: "+format, append([]any{ErrNewer}, args...)...)
}

// Byte carries one byte.
func (w *Wire) Byte(v *uint8) {
	if !w.decoding {
		if w.measuring {
			w.size++
		} else {
			w.out = append(w.out, *v)
		}
		return
	}
	if w.in == "" {
		*v = 0
		w.Fail("truncated byte")
		return
	}
	*v = w.in[0]
	w.in = w.in[1:]
}

// Uint carries an unsigned number in as few bytes as it needs.
func (w *Wire) Uint(v *uint64) {
	if w.decoding {
		*v = w.readUint()
		return
	}
	w.writeUint(*v)
}

// Int carries a signed number; small magnitudes are short.
func (w *Wire) Int(v *int64) {
	if !w.decoding {
		w.writeUint(uint64(*v)<<1 ^ uint64(*v>>63)) //nolint:gosec // as encoding/binary does
		return
	}
	u := w.readUint()
	*v = int64(u>>1) ^ -int64(u&1)
}

// Text carries a string of any bytes.
func (w *Wire) Text(v *string) {
	if w.decoding {
		*v = w.take(w.readUint())
		return
	}
	w.writeUint(uint64(len(*v)))
	w.write(*v)
}

// OptionalText carries a string or its absence.
func (w *Wire) OptionalText(v **string) {
	switch {
	case w.decoding:
		*v = nil
		if n := w.readUint(); n > 0 {
			text := w.take(n - 1)
			*v = &text
		}
	case *v == nil:
		w.writeUint(0)
	default:
		w.writeUint(uint64(len(**v)) + 1)
		w.write(**v)
	}
}

// Failure carries a failure or its absence. It is JSON inside, because it is rare and may grow
// fields; bytes in it that are not UTF-8 are replaced.
func (w *Wire) Failure(v **Failure) {
	if !w.decoding {
		var text *string
		if *v != nil {
			encoded, err := json.Marshal(*v)
			if err != nil {
				panic(fmt.Sprintf("a failure of strings and numbers has no JSON: %v", err))
			}
			s := string(encoded)
			text = &s
		}
		w.OptionalText(&text)
		return
	}
	*v = nil
	var text *string
	w.OptionalText(&text)
	if text == nil || w.err != nil {
		return
	}
	failure := new(Failure)
	if err := json.Unmarshal([]byte(*text), failure); err != nil {
		w.Fail("failure: %v", err)
		return
	}
	*v = failure
}

// Parent carries a parent or its absence.
func (w *Wire) Parent(v **Parent) {
	if !w.present(*v != nil) {
		*v = nil
		return
	}
	if w.decoding {
		*v = new(Parent)
	}
	w.Text(&(*v).Instance)
	w.Uint(&(*v).Execution)
	w.Uint(&(*v).Event)
	if w.Since(2) {
		w.Life(&(*v).Life)
	}
}

// CarriedList carries queue messages; nil and empty lists stay different.
func (w *Wire) CarriedList(v *[]Carried) {
	if !w.present(*v != nil) {
		*v = nil
		return
	}
	// An entry has at least its two lengths.
	n := w.count(len(*v), 2)
	if w.decoding {
		*v = make([]Carried, n)
	}
	for i := range *v {
		w.Text(&(*v)[i].Name)
		w.Text(&(*v)[i].Data)
	}
}

// present carries one flag; anything but 0 and 1 is an error.
func (w *Wire) present(set bool) bool {
	var flag uint8
	if set {
		flag = 1
	}
	w.Byte(&flag)
	if flag > 1 {
		w.Fail("flag %d", flag)
		return false
	}
	return flag == 1
}

// count carries the length of a list whose entries take at least size bytes each. What it reads is
// checked against the bytes that are left, so that a hostile number allocates nothing.
func (w *Wire) count(n, size int) int {
	c := uint64(n) //nolint:gosec // a length is never negative
	w.Uint(&c)
	if w.decoding && c > uint64(len(w.in)/size) { //nolint:gosec // a length is never negative
		w.Fail("%d entries in %d bytes", c, len(w.in))
		return 0
	}
	return int(c) //nolint:gosec // bounded above by a length
}

func (w *Wire) write(text string) {
	if w.measuring {
		w.size += len(text)
		return
	}
	w.out = append(w.out, text...)
}

func (w *Wire) writeUint(v uint64) {
	if w.measuring {
		w.size += (bits.Len64(v|1) + 6) / 7
		return
	}
	w.out = binary.AppendUvarint(w.out, v)
}

func (w *Wire) readUint() uint64 {
	var value uint64
	for i := range len(w.in) {
		b := w.in[i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		value |= uint64(b&0x7f) << (7 * uint(i))
		if b < 0x80 {
			w.in = w.in[i+1:]
			return value
		}
	}
	w.Fail("truncated or oversized number")
	return 0
}

func (w *Wire) take(n uint64) string {
	if n > uint64(len(w.in)) {
		w.Fail("%d bytes wanted, %d left", n, len(w.in))
		return ""
	}
	text := w.in[:n]
	w.in = w.in[n:]
	return text
}

// startNumber carries the number of a start, which format 1 does not have.
func startNumber(w *Wire, number *uint64) {
	if w.Since(2) {
		w.Uint(number)
	}
}

func requiredFailure(w *Wire, f *Failure) {
	v := f
	w.Failure(&v)
	if v == nil {
		w.Fail("failure is missing")
		return
	}
	*f = *v
}
