package replay

// OpenWait is a schedule that waits for an answer.
type OpenWait struct {
	Event uint64
	Kind  ActionKind
	// Name is that of what is waited for: an activity, a signal, a queue, an orchestration.
	Name string
	// Instance is the id of a child.
	Instance string
	// FireAtMs is when a timer is due.
	FireAtMs int64
}

// OpenWaits lists what waits for an answer, in the order in which it was asked for.
func (x *Execution) OpenWaits() []OpenWait {
	var all []OpenWait
	for _, s := range x.openInOrder() {
		all = append(all, OpenWait{
			Event: s.event, Kind: s.kind, Name: s.name, Instance: s.instance, FireAtMs: s.fireAtMs,
		})
	}
	return all
}
