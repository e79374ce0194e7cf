package engine

import (
	"fmt"

	"duroxide/engine/replay"
	"duroxide/history"
	"duroxide/provider"
)

// messageOf gives what an orchestration sends as the store takes it, for whoever lives at its target.
func messageOf(s replay.Sending) provider.Message {
	m := provider.Message{Instance: s.Instance, Name: s.Name, Data: s.Data}
	switch s.What {
	case history.SentMessage:
		m.Kind = provider.QueueEvent
	case history.SentSignal:
		m.Kind = provider.EventRaised
	case history.SentCancellation:
		m.Kind = provider.CancelInstance
	case history.SentTermination:
		m.Kind, m.Stop = provider.CancelInstance, provider.AtOnce
	default:
		panic(fmt.Sprintf("unknown word '%s' for what is sent", s.What))
	}
	return m
}
