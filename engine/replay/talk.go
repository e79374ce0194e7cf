package replay

import (
	"fmt"

	"duroxide/history"
)

// Sending is what goes to another instance with the commit of a turn: to whoever lives there then.
type Sending struct {
	Instance string
	// What is one of the history's words.
	What string
	Name string
	Data string
	Key  *string
}

// send appends what code says to another instance.
func (x *Execution) send(a *Action, nowMs int64) error {
	s := Sending{Instance: text(a.Instance), What: text(a.Value), Name: a.Name, Data: a.Input, Key: a.Tag}
	if size := len(s.Instance); size > history.MaxIDBytes && !x.longNames {
		return limit("instanceId size (%d bytes) exceeds limit (%d bytes)", size, history.MaxIDBytes)
	}
	if size := len(text(s.Key)); size > history.MaxNameBytes {
		return limit("idempotencyKey size (%d bytes) exceeds limit (%d bytes)", size, history.MaxNameBytes)
	}
	isStop := s.What == history.SentCancellation || s.What == history.SentTermination
	if size := len(s.Data); isStop && size > history.MaxReasonBytes {
		return limit("reason size (%d bytes) exceeds limit (%d bytes)", size, history.MaxReasonBytes)
	}
	switch s.What {
	case history.SentMessage, history.SentSignal, history.SentCancellation, history.SentTermination,
		history.SentAnswer, history.SentRejection:
	default:
		return x.diverged(0, fmt.Sprintf("unknown word '%s' for what is sent", s.What))
	}
	x.append(0, nowMs, history.MessageSent(s))
	x.delta.Sent = append(x.delta.Sent, s)
	return nil
}

// fitsSending compares an action with what was sent.
func (a *Action) fitsSending(d history.MessageSent) fit {
	if text(a.Value) != d.What {
		return other
	}
	if text(a.Instance) != d.Instance { // A fork reads what the other one was asked as if it were asked itself.
		isAnswer := d.What == history.SentAnswer || d.What == history.SentRejection
		return otherDetail.only(isAnswer && a.Kind == Send && sameText(a.Tag, d.Key))
	}
	return min(a.asks(Send, d.Name, d.Data), otherData.given(sameText(a.Tag, d.Key)))
}

func describeSending(what, name, instance, data string) string {
	if what == history.SentCancellation || what == history.SentTermination {
		return fmt.Sprintf("%s sent to '%s' because of %s", what, instance, shorten(data))
	}
	if what == history.SentAnswer || what == history.SentRejection {
		return fmt.Sprintf("%s to a request of '%s': %s", what, instance, shorten(data))
	}
	return fmt.Sprintf("%s '%s' sent to '%s' with data %s", what, name, instance, shorten(data))
}
