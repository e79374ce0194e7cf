package provider

// Bounds of the messages of one instance that a claim, or Pending, gives at a time.
const (
	PageMessages = 256
	PageBytes    = 1 << 20
)

// ClaimMessages bounds the messages of all instances that one claim takes: it takes no other instance once
// it has so many, so that whoever wants to write next does not wait for long.
const ClaimMessages = 1024

// RowEvents bounds the events of one row of a history that is written again.
const RowEvents = 500

// Page is the beginning of what is due of a held instance.
type Page struct {
	Messages []Message
	// More means that there is more: the next page begins once these are consumed.
	More bool
	// Undecodable means that messages were left out that cannot be read.
	Undecodable bool
}

// GoesFirst reports whether a message is in the first page, however many others were before it: what
// begins an execution or ends it.
func (k MessageKind) GoesFirst() bool {
	return k == StartInstance || k == ContinueInstance || k == CancelInstance
}

// SizeOf gives the kind of a message and about how many bytes it has, for CutPage.
func SizeOf(m *Message) (kind MessageKind, size int) {
	return m.Kind, len(m.Data) + len(m.Input)
}

// CutPage gives the first page of due messages in their order. kind and size are those of a message, its
// size in bytes. A page has one message at least.
func CutPage[M any](ordered []M, of func(*M) (kind MessageKind, size int)) (page []M, more bool) {
	count, bytes := 0, 0
	fits := make([]bool, len(ordered))
	for _, first := range []bool{true, false} {
		for n := range ordered {
			kind, size := of(&ordered[n])
			if kind.GoesFirst() != first {
				continue
			}
			if count == PageMessages || bytes >= PageBytes {
				break
			}
			fits[n] = true
			count, bytes = count+1, bytes+size
		}
	}
	if count == len(ordered) {
		return ordered, false
	}
	page = make([]M, 0, count)
	for n := range ordered {
		if fits[n] {
			page = append(page, ordered[n])
		}
	}
	return page, true
}
