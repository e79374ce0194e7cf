package history

// Activities, and the calls that the engine answers itself.
const (
	KindActivityScheduled       Kind = 10
	KindActivityCompleted       Kind = 11
	KindActivityFailed          Kind = 12
	KindActivityCancelRequested Kind = 13
	// KindActivityWithPolicy is an ActivityScheduled with a policy.
	KindActivityWithPolicy Kind = 14
)

var activityKinds = family{
	KindActivityScheduled:       named[ActivityScheduled]("ActivityScheduled"),
	KindActivityCompleted:       named[ActivityCompleted]("ActivityCompleted"),
	KindActivityFailed:          named[ActivityFailed]("ActivityFailed"),
	KindActivityCancelRequested: named[ActivityCancelRequested]("ActivityCancelRequested"),
	KindActivityWithPolicy: {name: "ActivityScheduled", decode: func(w *Wire) Data {
		var d ActivityScheduled
		d.fields(w)
		w.Text(&d.Policy)
		if d.Policy == "" {
			w.Fail("policy is missing")
		}
		return d
	}},
}

// Names of activities that are system calls.
const (
	ReservedActivityPrefix = "__duroxide_syscall:"
	SyscallNewGUID         = ReservedActivityPrefix + "new_guid"
	SyscallUTCNow          = ReservedActivityPrefix + "utc_now_ms"
	SyscallGetKeyValue     = ReservedActivityPrefix + "get_kv_value"
	SyscallGetStatus       = ReservedActivityPrefix + "get_status"
	SyscallDecide          = ReservedActivityPrefix + "decide"
)

// ActivityScheduled records that an activity is wanted. Built-in calls use it too.
type ActivityScheduled struct {
	Name  string
	Input string
	// Session is nil for an activity that any worker may run.
	Session *string
	// Tag is nil for an activity of the default route.
	Tag *string
	// Policy says how the activity is tried, as JSON text of the host; "" means once. It is opaque here,
	// and makes the event one of another kind, so that those without have no byte for it.
	Policy string
}

// Kind gives the number of the kind.
func (d ActivityScheduled) Kind() Kind {
	if d.Policy != "" {
		return KindActivityWithPolicy
	}
	return KindActivityScheduled
}

func (ActivityScheduled) schedules() {}

func (d *ActivityScheduled) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Input)
	w.OptionalText(&d.Session)
	w.OptionalText(&d.Tag)
}

func (d ActivityScheduled) encode(w *Wire) {
	d.fields(w)
	if d.Policy != "" {
		w.Text(&d.Policy)
	}
}

func (d ActivityScheduled) shape() any {
	s := callShape{Name: d.Name, Input: payload(d.Input), Session: d.Session, Tag: d.Tag}
	if d.Policy != "" {
		s.Policy = payload(d.Policy)
	}
	return s
}

func (d ActivityScheduled) isLong() bool {
	return isLong(d.Name) || d.Session != nil && isLong(*d.Session)
}

// ActivityCompleted is the result of the activity that Source names.
type ActivityCompleted struct{ Result string }

// Kind gives the number of the kind.
func (ActivityCompleted) Kind() Kind { return KindActivityCompleted }

func (ActivityCompleted) answers() {}

func (d *ActivityCompleted) fields(w *Wire) { w.Text(&d.Result) }

func (d ActivityCompleted) encode(w *Wire) { d.fields(w) }

func (d ActivityCompleted) shape() any { return payload(d.Result) }

// ActivityFailed is the failure of the activity that Source names.
type ActivityFailed struct{ Failure Failure }

// Kind gives the number of the kind.
func (ActivityFailed) Kind() Kind { return KindActivityFailed }

func (ActivityFailed) answers() {}

func (d *ActivityFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d ActivityFailed) encode(w *Wire) { d.fields(w) }

func (d ActivityFailed) shape() any { return failureShape(d.Failure) }

func (d ActivityFailed) failure() *Failure { return &d.Failure }

// ActivityCancelRequested records that the activity's result is no longer wanted.
type ActivityCancelRequested struct{ Reason string }

// Kind gives the number of the kind.
func (ActivityCancelRequested) Kind() Kind { return KindActivityCancelRequested }

func (ActivityCancelRequested) cancels() {}

func (d *ActivityCancelRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d ActivityCancelRequested) encode(w *Wire) { d.fields(w) }

func (d ActivityCancelRequested) shape() any { return reasonShape(d) }
