package history

// The fields of each kind in stored order. One function serves both directions; see Wire. A change
// here is a change of the stored format: raise newestFormat.

func (d *OrchestrationStarted) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Version)
	w.Text(&d.Input)
	w.Parent(&d.Parent)
	w.CarriedList(&d.Carried)
	w.OptionalText(&d.CustomStatus)
	if !w.Since(3) {
		return
	}
	w.Uint(&d.Rules)
	d.StrictValues = w.present(d.StrictValues)
	if d.Rules > NewestRules {
		w.Fail("rules %d of a newer release", d.Rules)
	}
}

func (d *OrchestrationCompleted) fields(w *Wire) { w.Text(&d.Output) }

func (d *OrchestrationFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d *OrchestrationContinuedAsNew) fields(w *Wire) { w.Text(&d.Input) }

func (d *OrchestrationCancelRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d *OrchestrationChained) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Instance)
	w.Text(&d.Input)
	w.OptionalText(&d.Version)
	startNumber(w, &d.Number)
}

func (d *ActivityScheduled) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Input)
	w.OptionalText(&d.Session)
	w.OptionalText(&d.Tag)
}

func (d *ActivityCompleted) fields(w *Wire) { w.Text(&d.Result) }

func (d *ActivityFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d *ActivityCancelRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d *TimerCreated) fields(w *Wire) { w.Int(&d.FireAtMs) }

func (d *TimerFired) fields(w *Wire) { w.Int(&d.FireAtMs) }

func (d *ExternalSubscribed) fields(w *Wire) { w.Text(&d.Name) }

func (d *ExternalEvent) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Data)
}

func (d *ExternalSubscribedCancelled) fields(w *Wire) { w.Text(&d.Reason) }

func (d *QueueSubscribed) fields(w *Wire) { w.Text(&d.Name) }

func (d *QueueEventDelivered) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Data)
}

func (d *QueueSubscriptionCancelled) fields(w *Wire) { w.Text(&d.Reason) }

func (d *SubOrchestrationScheduled) fields(w *Wire) {
	w.Text(&d.Name)
	w.Text(&d.Instance)
	w.Text(&d.Input)
	w.OptionalText(&d.Version)
	startNumber(w, &d.Number)
}

func (d *SubOrchestrationCompleted) fields(w *Wire) { w.Text(&d.Result) }

func (d *SubOrchestrationFailed) fields(w *Wire) { requiredFailure(w, &d.Failure) }

func (d *SubOrchestrationCancelRequested) fields(w *Wire) { w.Text(&d.Reason) }

func (d *CustomStatusUpdated) fields(w *Wire) { w.OptionalText(&d.Status) }

func (d *KeyValueSet) fields(w *Wire) {
	w.Text(&d.Key)
	w.Text(&d.Value)
	w.Int(&d.UpdatedAtMs)
}

func (d *KeyValueCleared) fields(w *Wire) { w.Text(&d.Key) }

func (d *KeyValuesCleared) fields(*Wire) {}

// startNumber carries the number of a start, which format 1 does not have.
func startNumber(w *Wire, number *uint64) {
	if w.Since(2) {
		w.Uint(number)
	}
}

func requiredFailure(w *Wire, f *Failure) {
	v := f
	w.Failure(&v)
	if v == nil {
		w.Fail("failure is missing")
		return
	}
	*f = *v
}
