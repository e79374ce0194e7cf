package history_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/history"
)

// declared finds the kinds in the sources of the package, by number.
func declared(t *testing.T) map[history.Kind]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	kinds := map[history.Kind]string{}
	constant := regexp.MustCompile(`(?m)^\tKind(\w+) +Kind = (\d+)$`)
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range constant.FindAllStringSubmatch(string(source), -1) {
			number, err := strconv.ParseUint(match[2], 10, 7)
			require.NoError(t, err, "%s leaves the high bit of its number free", match[1])
			kind := history.Kind(number)
			require.NotContains(t, kinds, kind, "%s has a number of its own", match[1])
			kinds[kind] = cmp.Or(alike[match[1]], match[1])
		}
	}
	return kinds
}

// alike are kinds that are to people what another one is.
var alike = map[string]string{
	"ActivityWithPolicy": "ActivityScheduled", "RewoundOverExecutions": "OrchestrationRewound",
}

func TestTheTableHasEveryKindThatIsDeclared(t *testing.T) {
	t.Parallel()
	kinds := declared(t)
	require.GreaterOrEqual(t, len(kinds), 26)
	for number := range history.Kind(128) {
		name, ok := kinds[number]
		if !ok {
			name = "Unknown"
		}
		require.Equal(t, name, number.String(), "kind %d", number)
	}
	for _, data := range samples() {
		name := kinds[data.Kind()]
		require.Equal(t, "history."+name, fmt.Sprintf("%T", data), "the struct has the name of its kind")
	}
}
