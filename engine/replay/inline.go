package replay

import (
	"sort"
)

// OpenInline is an inline activity that waits for an answer.
type OpenInline struct {
	Event uint64
	// Token is that of its action: the host finds the closure by it.
	Token uint64
	Name  string
}

// HasInline reports whether an inline activity is open.
func (x *Execution) HasInline() bool { return x.inline > 0 }

// IsInline reports whether an inline activity is open.
func (x *Execution) IsInline(event uint64) bool {
	s := x.open[event]
	return s != nil && s.kind == Inline
}

// Inline lists the open inline activities, by event id.
func (x *Execution) Inline() []OpenInline {
	if x.inline == 0 {
		return nil
	}
	all := make([]OpenInline, 0, x.inline)
	for _, s := range x.open {
		if s.kind == Inline {
			all = append(all, s.inline())
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Event < all[j].Event })
	return all
}

func (s *schedule) inline() OpenInline {
	return OpenInline{Event: s.event, Token: s.token, Name: s.name}
}
