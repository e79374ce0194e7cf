package provider

import (
	"encoding/json"
	"sort"

	"duroxide/history"
)

// PatchUse counts instances by what they were answered at a patch.
type PatchUse struct {
	True, False int
}

// mostPatches bounds how many answers of an execution are kept to be counted; those beyond count as not
// given.
const mostPatches = 100

// EncodePatches gives the stored bytes of the answers of an execution at its patches, as JSON, for people too;
// nil is none.
func EncodePatches(answers map[string]bool) []byte {
	if len(answers) == 0 {
		return nil
	}
	if len(answers) > mostPatches {
		answers = firstOf(answers)
	}
	body, err := json.Marshal(answers)
	if err != nil { // Texts always have JSON.
		return nil
	}
	return body
}

func firstOf(answers map[string]bool) map[string]bool {
	names := make([]string, 0, len(answers))
	for name := range answers {
		names = append(names, name)
	}
	sort.Strings(names)
	few := make(map[string]bool, mostPatches)
	for _, name := range names[:mostPatches] {
		few[name] = answers[name]
	}
	return few
}

// PatchesIn gives the answers that are recorded in the events of an execution.
func PatchesIn(events []history.Event) map[string]bool {
	var answers map[string]bool
	for _, e := range events {
		if d, ok := e.Data.(history.PatchDecided); ok {
			if answers == nil {
				answers = map[string]bool{}
			}
			answers[d.Name] = d.Applied
		}
	}
	return answers
}

// CountUse adds instances of one version that have the same answers, in the stored bytes, to counts that end with
// those of this version, or of one before it.
func CountUse(all []InUse, u InUse, answers []byte) []InUse {
	last := len(all) - 1
	if last < 0 || all[last].Name != u.Name || all[last].Version != u.Version {
		all = append(all, InUse{Name: u.Name, Version: u.Version, Oldest: u.Oldest})
		last++
	}
	sum := &all[last]
	sum.Running += u.Running
	sum.Held += u.Held
	if u.Oldest.Before(sum.Oldest) {
		sum.Oldest = u.Oldest
	}
	var given map[string]bool
	if len(answers) == 0 || json.Unmarshal(answers, &given) != nil {
		return all
	}
	if sum.Patches == nil {
		sum.Patches = map[string]PatchUse{}
	}
	for name, applied := range given {
		use := sum.Patches[name]
		if applied {
			use.True += u.Running
		} else {
			use.False += u.Running
		}
		sum.Patches[name] = use
	}
	return all
}
