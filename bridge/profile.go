//go:build profile

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"

	"duroxide/provider/sqlite"
)

// profileRequests measure the engine from one request to the next; docs/performance.md says how. Only a
// build with the tag "profile" has them.
var profileRequests = map[string]handler{
	"debug.profile": with(serveProfile),
}

// profiling is what runs between two requests.
var profiling struct {
	mu     sync.Mutex
	on     bool
	cpu    bytes.Buffer
	before runtime.MemStats
}

// profileArguments start a measurement, or end it. File is where the profile of the processor goes, with
// that of the allocations beside it; where it is empty, only the counts are taken.
type profileArguments struct {
	On   bool   `json:"on"`
	File string `json:"file"`
}

// profileResult is what was counted from start to end.
type profileResult struct {
	AllocatedBytes uint64           `json:"allocatedBytes"`
	Allocations    uint64           `json:"allocations"`
	Collections    uint32           `json:"collections"`
	HeapBytes      uint64           `json:"heapBytes"` // held from the system at the end
	Statements     map[string]int64 `json:"statements"`
}

func serveProfile(_ context.Context, _ *host, a profileArguments, _ string) (result, error) {
	profiling.mu.Lock()
	defer profiling.mu.Unlock()
	if a.On == profiling.on {
		return result{}, errors.New("a profile is begun once, then ended once")
	}
	profiling.on = a.On
	if a.On {
		runtime.ReadMemStats(&profiling.before)
		sqlite.CountStatements()
		profiling.cpu.Reset()
		if a.File == "" {
			return result{value: empty{}}, nil
		}
		return result{value: empty{}}, pprof.StartCPUProfile(&profiling.cpu)
	}
	pprof.StopCPUProfile()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	found := profileResult{
		AllocatedBytes: after.TotalAlloc - profiling.before.TotalAlloc,
		Allocations:    after.Mallocs - profiling.before.Mallocs,
		Collections:    after.NumGC - profiling.before.NumGC,
		HeapBytes:      after.HeapSys - after.HeapReleased,
		Statements:     sqlite.CountStatements(),
	}
	if a.File == "" {
		return result{value: found}, nil
	}
	return result{value: found}, saveProfiles(a.File)
}

// saveProfiles writes what the processor did, and all allocations since the process began.
func saveProfiles(file string) error {
	var allocations bytes.Buffer
	err := pprof.Lookup("allocs").WriteTo(&allocations, 0)
	if err == nil {
		err = os.WriteFile(file, profiling.cpu.Bytes(), 0o600)
	}
	if err == nil {
		err = os.WriteFile(file+".allocs", allocations.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("save a profile: %w", err)
	}
	return nil
}
