package main

import "sync/atomic"

// The words are memory that both sides of a host see. One word for each record that was fetched and
// asks for user code says whether that code has begun; the side that changes it first decides.
//
//	W1  This side writes a word when it hands a record out (waiting), and later, if at all, by
//	    compare-and-swap from waiting to taken back. The host changes it only by compare-and-swap
//	    from waiting to begun, before it calls user code.
//	W2  A word carries the mark of its record's token. What no longer waits may be given to another
//	    record at once: whoever still thinks of the former one finds another mark, which tells the
//	    host that it was taken back, and this side that it had begun.
//	W3  The first word names the record whose code holds the thread: its mark and begun, or zero.
//	    The host writes it before the record's own word, so that a run which has begun and does not
//	    hold the thread has ended.
const (
	wordWaiting   int32 = 1
	wordBegun     int32 = 2
	wordTakenBack int32 = 3
	wordState     int32 = 3 // the bits of a word that are not its mark

	wordOfThread = 0
	// noWord stands for a record without a word: there was none free, or there are none at all. It
	// counts as begun from when it is fetched.
	noWord = 0
	// wordMarks is how many tokens follow each other before a mark comes again.
	wordMarks = 1 << 29
	// wordTries bounds the search for a free word.
	wordTries = 64
)

// words is the shared memory. It must not be touched after its host was closed: queue.mu guards it.
type words struct {
	memory []int32
	last   int
}

func markOf(token uint64) int32 { return int32(token%wordMarks) << 2 }

// hand gives a word to a record that is handed out.
func (w *words) hand(token uint64) int {
	for range min(wordTries, len(w.memory)-1) {
		w.last = w.last%(len(w.memory)-1) + 1
		if at := &w.memory[w.last]; atomic.LoadInt32(at)&wordState != wordWaiting {
			atomic.StoreInt32(at, markOf(token)|wordWaiting)
			return w.last
		}
	}
	return noWord
}

// takeBack keeps a record from being begun. It is false where it has been.
func (w *words) takeBack(word int, token uint64) bool {
	mark := markOf(token)
	return word != noWord && atomic.CompareAndSwapInt32(&w.memory[word], mark|wordWaiting, mark|wordTakenBack)
}

// hasBegun reports whether a record that was handed out has been begun.
func (w *words) hasBegun(word int, token uint64) bool {
	return word == noWord || atomic.LoadInt32(&w.memory[word]) != markOf(token)|wordWaiting
}

// holds reports whether the code of a record holds the thread.
func (w *words) holds(token uint64) bool {
	return len(w.memory) > 0 && atomic.LoadInt32(&w.memory[wordOfThread]) == markOf(token)|wordBegun
}
