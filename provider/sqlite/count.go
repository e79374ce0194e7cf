//go:build profile

package sqlite

import "sync"

// counted has how often each statement ran, by its text.
var counted struct {
	mu sync.Mutex
	by map[string]int64
}

func count(s *statement) {
	counted.mu.Lock()
	defer counted.mu.Unlock()
	if counted.by != nil {
		counted.by[s.sql]++
	}
}

// CountStatements begins to count the statements of all stores anew, and gives how often each ran before,
// by its text. Only a build with the tag "profile" counts.
func CountStatements() map[string]int64 {
	counted.mu.Lock()
	defer counted.mu.Unlock()
	before := counted.by
	counted.by = map[string]int64{}
	return before
}
