package providertest

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/conformance.md anew")

// elsewhere says why a case of the specification has no test in this suite.
var elsewhere = map[string]string{
	"C066 C067 C068 C069 C070": "no operation waits: Claim answers at once, and Watch tells of " +
		"work (N20, N22)",
	"C086 C089":      "a task is only inserted by a turn and deleted with its instance",
	"C102":           "(its refusals) the engine refuses to delete a child alone, not the store",
	"C106":           "trees are built by the engine out of Children (C104)",
	"C113":           "bulk pruning is the engine's loop over List and Prune (C114, C115)",
	"C129 C137":      "a node reads every format up to its own, so that there is no list of ranges",
	"C224 C225 C226": "starts a real engine: belongs to the tests of engine",
	"C227 C228 C230": "starts a real engine on recorded histories: belongs to the tests of engine/replay",
	"C232":           "starts a real engine: belongs to the tests of engine/replay",
	"N6":             "needs waiting in a queue for the writer: belongs to the tests of the store",
	"N13":            "needs faults in the driver: belongs to the tests of the store",
	"N15":            "two processes on one file: belongs to the tests of provider/sqlite and process tests",
	"N16 N23":        "needs a server: belongs to the tests of provider/postgres",
	"N17":            "a matter of speed: belongs to the benchmarks",
	"N21":            "two processes: belongs to the tests of the store",
	"N25":            "needs an engine and a server: belongs to the tests of engine, with provider/faulty",
}

// specIDs gives C001 … C233 and N1 … N25.
func specIDs() []string {
	var ids []string
	for n := 1; n <= 233; n++ {
		ids = append(ids, fmt.Sprintf("C%03d", n))
	}
	for n := 1; n <= 25; n++ {
		ids = append(ids, fmt.Sprintf("N%d", n))
	}
	return ids
}

// row is one line of the table: an id and where it is tested, or why it is not.
type row struct{ id, where string }

func rows() []row {
	var all []row
	for _, theme := range themes() {
		for _, c := range theme.cases {
			for id := range strings.FieldsSeq(c.ID) {
				all = append(all, row{id, "`" + theme.file + "`: " + c.Title})
			}
		}
	}
	for ids, why := range elsewhere {
		for id := range strings.FieldsSeq(ids) {
			if why != "" {
				all = append(all, row{id, "does not apply: " + why})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.id[0], b.id[0]), cmp.Compare(number(a.id), number(b.id)),
			cmp.Compare(a.where, b.where))
	})
	return all
}

func number(id string) int {
	n, err := strconv.Atoi(id[1:])
	if err != nil {
		return 0
	}
	return n
}

func TestEveryCaseOfTheSpecificationIsAccountedFor(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, r := range rows() {
		have[r.id] = true
	}
	var missing []string
	for _, id := range specIDs() {
		if !have[id] {
			missing = append(missing, id)
		}
	}
	require.Empty(t, missing)
}

func TestTitlesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range cases() {
		require.False(t, seen[c.Title], c.Title)
		seen[c.Title] = true
	}
}

func TestTheDocumentNamesEveryCase(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "conformance.md")
	want := document()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o600))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	if want != string(got) {
		require.Fail(t, path+" is old", "run the test with -update")
	}
}

func document() string {
	var b strings.Builder
	b.WriteString(`# Conformance

Every store passes one suite, ` + "`provider/providertest`" + `, which its own test runs:

` + "```go" + `
providertest.Run(t, func(t *testing.T) providertest.Harness { … })
` + "```" + `

The suite knows only the contract of ` + "`provider/provider.go`" + `. Time is a clock that cases move by
hand, and a fetch of the specification is a claim by a node that never claimed before. The same
cases also run on stores that are broken on purpose, and each of those must be caught. The subtest
of a case starts with its ids, under the name of its theme.

Ids with C and N are those of the specification; P are rules of this contract that it has no case
for, R those of activities that are tried again. The table is written by the suite's own test
(` + "`go test ./provider/providertest -update`" + `), which fails if a case of the specification is missing here.

| Case | Test, or why there is none |
|---|---|
`)
	for _, r := range rows() {
		fmt.Fprintf(&b, "| %s | %s |\n", r.id, r.where)
	}
	return b.String()
}
