package history

// Which way an execution goes where its code was changed.
const (
	KindPatchDecided Kind = 120
)

var patchKinds = family{KindPatchDecided: named[PatchDecided]("PatchDecided")}

// PatchDecided records which way an execution goes at a change of its code: the new one with Applied, the
// old one without. It holds for the whole execution, wherever it stands in the history.
type PatchDecided struct {
	Name    string
	Applied bool
}

// Kind gives the number of the kind.
func (PatchDecided) Kind() Kind { return KindPatchDecided }

func (d *PatchDecided) fields(w *Wire) {
	w.Text(&d.Name)
	d.Applied = w.present(d.Applied)
}

func (d PatchDecided) encode(w *Wire) { d.fields(w) }

type patchShape struct {
	Name    string `json:"name"`
	Applied bool   `json:"applied"`
}

func (d PatchDecided) shape() any { return patchShape(d) }
