package provider

import (
	"sort"
	"unicode/utf8"

	"duroxide/history"
)

// Order is that of Summaries.
type Order uint8

// The orders. The time of the last change is none of them: it would have to be sorted with every step of
// every instance.
const (
	// NewestFirst is by the time of the start, the last one first; the order of the zero value.
	NewestFirst Order = iota
	OldestFirst
	// ByID is by the bytes of the id.
	ByID
)

// Cursor is the place behind which a page begins. What stood there may be gone.
type Cursor struct {
	// Key is for the orders by time, ID for ByID.
	Key uint64
	ID  string
}

// PageScan bounds how many instances a page looks at, unless it asks for more than so many. CountScan
// bounds a part of a count.
const (
	PageScan  = 2048
	CountScan = 20_000
)

// SummaryPage is one page of Summaries.
type SummaryPage struct {
	Instances []Summary
	// Next is where the next page begins; nil where nothing follows.
	Next *Cursor
}

// Grouping says by what Count tells instances apart.
type Grouping struct{ Status, Name, Version, Failure bool }

// Group counts the instances of a group; what they are not told apart by is zero.
type Group struct {
	Status  ExecutionStatus
	Name    string
	Version string
	Failure history.Class
	Count   int
}

// Counted is one part of a count.
type Counted struct {
	Groups []Group
	// Next is where the next part begins; nil where nothing follows.
	Next *Cursor
}

// Source is where a store finds the candidates of a page in their order, each in one index.
type Source uint8

// The sources. Each but FromAll has only candidates that fit one of the conditions.
const (
	FromAll Source = iota
	FromName
	FromParent
	FromHeld
	FromFailed
	FromRunning
	// FromStarting has what waits for its first turn, FromContinued what continues as new.
	FromStarting
	FromContinued
	// FromIDs and FromPrefix are not in the order of a list, and for few only.
	FromIDs
	FromPrefix
)

// Sources gives from where the candidates of a query can be read: one of the choices, each of them all its
// sources together.
func (q *ListQuery) Sources() (choices [][]Source) {
	add := func(is bool, sources ...Source) {
		if is {
			choices = append(choices, sources)
		}
	}
	if q.Order == ByID {
		return [][]Source{{FromAll}}
	}
	add(q.Parent != "", FromParent)
	add(q.Held != nil && *q.Held, FromHeld)
	add(q.Status == Failed || q.Failure != "", FromFailed)
	add(q.Status == Running, FromRunning, FromStarting)
	add(q.Status == ContinuedAsNew, FromContinued)
	add(q.Name != "", FromName)
	if len(choices) == 0 {
		add(true, FromAll)
	}
	return choices
}

// Scan gives at most how many candidates a page looks at; zero means all.
func (q *ListQuery) Scan() int {
	if q.Limit == 0 {
		return 0
	}
	return max(q.Limit, PageScan)
}

// At gives the place of an instance in a list.
func (o Order) At(s *Summary) *Cursor { return o.Place(&Cursor{s.Key, s.Instance}) }

// Place gives of a place, of which key and id are known, what a list in the order goes by; nil stays nil.
func (o Order) Place(at *Cursor) *Cursor {
	switch {
	case at == nil:
		return nil
	case o == ByID:
		return &Cursor{ID: at.ID}
	default:
		return &Cursor{Key: at.Key}
	}
}

// Before reports whether one place, of which key and id are known, comes before another one.
func (o Order) Before(a, b Cursor) bool {
	switch o {
	case ByID:
		return a.ID < b.ID
	case OldestFirst:
		return a.Key < b.Key
	case NewestFirst:
		return b.Key < a.Key
	default:
		return b.Key < a.Key
	}
}

// Sort brings the instances of a page into their order.
func (o Order) Sort(all []Summary) {
	sort.Slice(all, func(i, j int) bool {
		return o.Before(Cursor{all[i].Key, all[i].Instance}, Cursor{all[j].Key, all[j].Instance})
	})
}

// After gives the least text that is above all that begin like prefix; "" where there is none.
func After(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == utf8.RuneError && size == 1:
			return ""
		case last == utf8.MaxRune: // The next one is that of what stands before it.
		case last == 0xD7FF: // Surrogates follow, which are no text.
			return prefix + "\uE000"
		default:
			return prefix + string(last+1)
		}
	}
	return ""
}

// FailureOf gives the class of the failure with which a turn ends an execution; "" where it does not fail.
func FailureOf(c *Commit) history.Class {
	if c.Outcome == nil || c.Outcome.Status != Failed || len(c.Events) == 0 {
		return ""
	}
	if failed, ok := c.Events[len(c.Events)-1].Data.(history.OrchestrationFailed); ok {
		return failed.Failure.Shown()
	}
	return ""
}
