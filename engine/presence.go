package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"duroxide/provider"
)

// RuntimeInfo is a runtime that has announced itself in its store and lives. The JSON names are those that
// users see.
type RuntimeInfo struct {
	// ID is random for each start.
	ID string `json:"id"`
	// Host and PID are those of its process.
	Host           string `json:"host"`
	PID            int    `json:"pid"`
	EngineVersion  string `json:"engineVersion"`
	ServiceName    string `json:"serviceName"`
	ServiceVersion string `json:"serviceVersion"`
	// SessionOwner is who owns its sessions.
	SessionOwner string `json:"sessionOwner"`
	// Orchestrations lists the versions of each orchestration, ascending.
	Orchestrations map[string][]string `json:"orchestrations"`
	// Replaces lists, for each orchestration, the ranges of versions that others of it replace.
	Replaces   map[string][]string `json:"replaces"`
	Activities []string            `json:"activities"`
	Tags       RuntimeTags         `json:"tags"`
	// Level is the highest format level that it reads.
	Level                    uint64 `json:"level"`
	OrchestrationConcurrency int    `json:"orchestrationConcurrency"`
	WorkerConcurrency        int    `json:"workerConcurrency"`
	StartedMs                int64  `json:"startedMs"`
	// SeenMs is when it last wrote of itself; an idle one does not.
	SeenMs int64       `json:"seenMs"`
	Load   RuntimeLoad `json:"load"`
}

// RuntimeTags is which tags a runtime takes activities of.
type RuntimeTags struct {
	Mode provider.TagMode `json:"mode"`
	Tags []string         `json:"tags"`
}

// RuntimeLoad is how busy a runtime is, or was when it last wrote of itself.
type RuntimeLoad struct {
	// Instances are those with work in memory, Activities those that run.
	Instances  int `json:"instances"`
	Activities int `json:"activities"`
	// BlockedMs is how long the thread of user code has not come to look for what waits for it.
	BlockedMs int64 `json:"blockedMs"`
}

// presence announces a runtime. It is owned by upkeep.
type presence struct {
	rt     *Runtime
	joined bool
	names  uint64 // the state of the registry that was announced
	swept  time.Time
}

func newPresence(rt *Runtime) *presence { return &presence{rt: rt, swept: rt.e.clock.Now()} }

// presencePatience bounds how long leases have to wait for it.
const presencePatience = 2 * time.Second

func (p *presence) upkeep(ctx context.Context) {
	rt := p.rt
	ctx, cancel := context.WithTimeout(ctx, presencePatience)
	defer cancel()
	if names := rt.reg.state(); !p.joined || names != p.names {
		if err := rt.e.store.Join(ctx, rt.node, rt.announcement()); err != nil {
			rt.storeFailed("join", err, 0) // upkeep comes here again
			return
		}
		p.joined, p.names = true, names
	}
	now := rt.e.clock.Now()
	if now.Sub(p.swept) < provider.SignOfLife {
		return
	}
	p.swept = now
	if err := rt.e.store.SweepRuntimes(ctx); err != nil {
		rt.storeFailed("sweep_runtimes", err, 0)
	}
}

// info describes the runtime, without what changes from moment to moment.
func (rt *Runtime) info() RuntimeInfo {
	set := &rt.set
	host, _ := os.Hostname() // it is for people: none is no trouble
	return RuntimeInfo{
		ID: rt.node, Host: host, PID: os.Getpid(), EngineVersion: rt.e.version,
		ServiceName: set.serviceName, ServiceVersion: set.serviceVersion, SessionOwner: rt.sessions.owner,
		Orchestrations: rt.reg.orchestrationNames(), Replaces: rt.reg.ranges(), Activities: rt.reg.activityNames(),
		Tags: RuntimeTags{Mode: set.tags.Mode, Tags: slices.Clone(set.tags.Tags)}, Level: rt.e.level(),
		OrchestrationConcurrency: set.orchestrationConcurrency, WorkerConcurrency: set.workerConcurrency,
	}
}

func (rt *Runtime) announcement() []byte { return encoded(rt.info()) }

// load says how busy the runtime is now.
func (rt *Runtime) load() RuntimeLoad {
	rt.mu.Lock()
	l := RuntimeLoad{Instances: rt.active}
	rt.mu.Unlock()
	l.Activities = rt.workers.running()
	l.BlockedMs = rt.host.Pulse().Owed().Milliseconds()
	return l
}

// encoded gives the JSON text of what is made of texts and numbers, which always has one.
func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", value, err))
	}
	return text
}

// Runtimes lists the runtimes that live on the store, in all processes, in the order of their starts.
func (c *Client) Runtimes(ctx context.Context) ([]RuntimeInfo, error) {
	return retry(ctx, c, c.e.runtimeInfos)
}

func (e *Engine) runtimeInfos(ctx context.Context) ([]RuntimeInfo, error) {
	present, err := e.store.Runtimes(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]RuntimeInfo, 0, len(present))
	for _, p := range present {
		all = append(all, e.runtimeInfo(p))
	}
	return all, nil
}

// runtimeInfo reads what a runtime has said of itself. What a newer release says in another way stays empty.
func (e *Engine) runtimeInfo(p provider.Presence) RuntimeInfo {
	var info RuntimeInfo
	if err := json.Unmarshal(p.Body, &info); err != nil {
		e.log.storeFailed("runtimes", err, 0)
	}
	if len(p.Load) > 0 {
		if err := json.Unmarshal(p.Load, &info.Load); err != nil {
			e.log.storeFailed("runtimes", err, 0)
		}
	}
	for _, rt := range e.working() { // Of our own the newest is known.
		if rt.node == p.Node {
			info.Load = rt.load()
		}
	}
	info.ID, info.StartedMs, info.SeenMs = p.Node, p.Started.UnixMilli(), p.Seen.UnixMilli()
	return info
}
