package memory

import (
	"slices"

	"duroxide/provider"
)

// knownKey is the key of a message, and until when it counts.
type knownKey struct {
	hash  string
	until int64
}

// admit gives the fate of a message that an instance may have.
func (s *store) admit(in *instance, m *provider.Message) provider.Fate {
	hash := string(m.KeyHash())
	known := m.Key != "" && slices.ContainsFunc(in.keys, func(k knownKey) bool {
		return k.hash == hash && k.until > s.now
	})
	switch {
	case known:
		return provider.Repeated
	case m.IsLate(in.current, in.status()):
		return provider.Late
	default:
		return provider.Stored
	}
}

// addKey remembers the key of a message, and forgets those that count no more.
func (s *store) addKey(in *instance, m *provider.Message) {
	if m.Key == "" {
		return
	}
	counts := m.KeyCounts(in.born, s.orphanRetention)
	in.keys = append(in.keys, knownKey{string(m.KeyHash()), s.now + counts.Milliseconds()})
	in.keys = in.keys[max(len(in.keys)-provider.MostKeys, 0):]
	in.keys = slices.DeleteFunc(in.keys, func(k knownKey) bool { return k.until <= s.now })
}
