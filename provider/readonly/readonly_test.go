package readonly_test

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
	"duroxide/provider/memory"
	"duroxide/provider/readonly"
)

// reads are the calls that change nothing. Whoever adds a call to the contract says here if it is one.
var reads = []string{
	"Name", "Now", "Close", "Pending", "Load", "Held",
	"Status", "Value", "Values", "Stats", "LastEvent", "Answer",
	"List", "Instance", "Executions", "Execution", "History", "Children", "Metrics", "Depths", "Summaries", "Count", "Standing", "Watch", "Size", "Runtimes", "InUse", "Defaults",
}

func TestWhateverChangesTheStoreIsRefused(t *testing.T) {
	t.Parallel()
	p := readonly.Of(memory.New(memory.Options{}))
	contract := reflect.TypeFor[provider.Provider]()
	for method := range contract.Methods() {
		if slices.Contains(reads, method.Name) {
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, call(t, p, method), provider.ErrReadOnly)
		})
	}
}

// call calls a method with empty arguments, and gives its error.
func call(t *testing.T, p provider.Provider, method reflect.Method) error {
	t.Helper()
	arguments := []reflect.Value{reflect.ValueOf(t.Context())}
	for i := 1; i < method.Type.NumIn(); i++ {
		arguments = append(arguments, reflect.Zero(method.Type.In(i)))
	}
	results := reflect.ValueOf(p).MethodByName(method.Name).Call(arguments)
	err, _ := reflect.TypeAssert[error](results[len(results)-1])
	return err
}

func TestReadsReachTheStore(t *testing.T) {
	t.Parallel()
	inner := memory.New(memory.Options{})
	p := readonly.Of(inner)
	status, err := p.Status(context.Background(), "nobody")
	require.NoError(t, err)
	require.Nil(t, status)
	require.WithinDuration(t, inner.Now(), p.Now(), time.Minute)
	require.NoError(t, p.Close(t.Context()))
}
