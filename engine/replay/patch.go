package replay

import (
	"slices"

	"duroxide/history"
)

// A patch is a change of code under running executions. Code asks which way to go; the first answer of an
// execution holds for all of it, and is recorded with the next commit. It has no place among the steps, so
// that the code may stop asking, or ask elsewhere, when no execution needs the old way any more.

// decide records an answer, unless there is one.
func (x *Execution) decide(a *Action, nowMs int64) {
	if _, ok := x.patches[a.Name]; ok {
		return
	}
	applied := text(a.Value) == "true"
	x.patches[a.Name] = applied
	x.append(0, nowMs, history.PatchDecided{Name: a.Name, Applied: applied})
}

// Patches gives the answers that were recorded, by the names of the patches; nil without an execution.
func (x *Execution) Patches() map[string]bool {
	if x == nil {
		return nil
	}
	return x.patches
}

// withoutPatches gives what the code asked for among the steps.
func withoutPatches(actions []Action) []Action {
	isPatch := func(a Action) bool { return a.Kind == Patch }
	if !slices.ContainsFunc(actions, isPatch) { // They are seldom; then nothing is copied.
		return actions
	}
	return slices.DeleteFunc(slices.Clone(actions), isPatch)
}
