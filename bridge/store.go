package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"duroxide/engine"
	"duroxide/logging"
	"duroxide/provider"
	"duroxide/provider/postgres"
	"duroxide/provider/readonly"
	"duroxide/provider/sqlite"
)

// store is an opened store with the engine on it. It belongs to the host that opened it.
type store struct {
	engine *engine.Engine
	client *engine.Client
	log    *logging.Shared
	// copier is nil where the store cannot copy itself.
	copier provider.Copier
	// inspector is nil where the store says nothing of itself.
	inspector provider.Inspector
	// test is the clock of a store for tests, or nil.
	test   *engine.TestClock
	copies copies
}

// openArguments are those of store.open.
type openArguments struct {
	// Kind is sqlite or postgres, or test.
	Kind string `json:"kind"`
	// StartMs is the time at which a store for tests begins, in Unix milliseconds.
	StartMs int64 `json:"startMs"`
	// Path is the file, or "" with Memory.
	Path   string `json:"path"`
	Memory bool   `json:"memory"`
	// Synchronous is full or normal; "" means full.
	Synchronous string `json:"synchronous"`
	// CreateDirs makes missing directories of Path.
	CreateDirs bool `json:"createDirs"`
	// OrphanRetentionMs is how long queue messages wait for their instance; absent means the default.
	OrphanRetentionMs *int64 `json:"orphanRetentionMs"`
	// ReplyRetentionMs is how long answers are kept; absent means the default.
	ReplyRetentionMs *int64 `json:"replyRetentionMs"`
	// ReadOnly refuses whatever would change the store.
	ReadOnly bool `json:"readOnly"`
	// Migrate is whether the tables are made and brought up to date; absent means yes.
	Migrate *bool `json:"migrate"`

	postgresArguments
}

// postgresArguments are those of store.open for the kind postgres.
type postgresArguments struct {
	// URL is the server's; Entra stands instead of it where tokens are the passwords.
	URL    string          `json:"url"`
	Schema string          `json:"schema"`
	Entra  *entraArguments `json:"entra"`
	// DirectURL leads past a pooler; "" means that there is none.
	DirectURL string `json:"directUrl"`
	// Zero stands for the defaults of the store.
	MaxConnections   int   `json:"maxConnections"`
	AcquireTimeoutMs int64 `json:"acquireTimeoutMs"`
}

// entraArguments name a server that takes Entra tokens.
type entraArguments struct {
	Host              string `json:"host"`
	Port              int    `json:"port"`
	Database          string `json:"database"`
	User              string `json:"user"`
	Audience          string `json:"audience"`
	RefreshIntervalMs int64  `json:"refreshIntervalMs"`
}

// openStore opens the store that the arguments name and puts an engine on it.
func openStore(ctx context.Context, a openArguments) (*store, error) {
	to := &logging.Shared{}
	log := logging.To(to)
	if a.Kind == "test" {
		return openTest(a, to), nil
	}
	p, err := openProvider(ctx, a, log)
	if err != nil {
		return nil, err
	}
	copier, _ := p.(provider.Copier)
	inspector, _ := p.(provider.Inspector)
	if a.ReadOnly {
		p = readonly.Of(p)
	}
	e := engine.New(p, engine.Options{Log: log, Version: version})
	return &store{engine: e, client: e.Client(), log: to, copier: copier, inspector: inspector}, nil
}

// retention gives zero for the default. A millisecond is the least.
func retention(ms *int64) time.Duration {
	if ms == nil {
		return 0
	}
	return time.Duration(max(*ms, 1)) * time.Millisecond
}

var synchronousModes = map[string]sqlite.Synchronous{
	"": sqlite.Full, "full": sqlite.Full, "normal": sqlite.Normal,
}

// openProvider is the only place that knows which stores there are.
func openProvider(
	ctx context.Context, a openArguments, log *slog.Logger,
) (provider.Provider, error) {
	switch a.Kind {
	case "sqlite":
		return openSQLite(ctx, a, log)
	case "postgres":
		return openPostgres(ctx, a, log)
	default:
		return nil, &engine.InputError{Message: fmt.Sprintf("unknown kind of store %q", a.Kind)}
	}
}

func openPostgres(
	ctx context.Context, a openArguments, log *slog.Logger,
) (provider.Provider, error) {
	o := postgres.Options{
		OrphanRetention: retention(a.OrphanRetentionMs), ReplyRetention: retention(a.ReplyRetentionMs),
		URL:            a.URL,
		Direct:         a.DirectURL,
		Schema:         a.Schema,
		VerifyOnly:     a.ReadOnly || a.Migrate != nil && !*a.Migrate,
		MaxConns:       a.MaxConnections,
		AcquireTimeout: time.Duration(a.AcquireTimeoutMs) * time.Millisecond,
		Release:        version,
		Log:            log.With(slog.String(logging.TargetKey, "duroxide::providers::postgres")),
	}
	if a.Entra == nil {
		return postgres.Open(ctx, o)
	}
	return postgres.OpenEntra(ctx, postgres.Entra{
		Host:     a.Entra.Host,
		Port:     a.Entra.Port,
		Database: a.Entra.Database,
		User:     a.Entra.User,
		Audience: a.Entra.Audience,
		Refresh:  time.Duration(a.Entra.RefreshIntervalMs) * time.Millisecond,
	}, o)
}

// schemaArguments are those of postgres.sql.
type schemaArguments struct {
	Schema string `json:"schema"`
	// After is how many migrations are applied already.
	After int `json:"after"`
}

type schemaSQL struct {
	SQL string `json:"sql"`
}

// serveSchemaSQL needs no store: whoever may make tables runs the text elsewhere.
func serveSchemaSQL(_ context.Context, _ *host, a schemaArguments, _ string) (result, error) {
	text, err := postgres.MigrationSQL(a.Schema, a.After)
	return result{value: schemaSQL{text}}, err
}

// serveSQLiteSQL is the same for a file.
func serveSQLiteSQL(_ context.Context, _ *host, a schemaArguments, _ string) (result, error) {
	text, err := sqlite.MigrationSQL(a.After)
	return result{value: schemaSQL{text}}, err
}

// inspection is the answer of store.inspect.
type inspection struct {
	Kind       string             `json:"kind"`
	Version    string             `json:"version"`
	Engine     string             `json:"engine"`
	Migrations migrationCount     `json:"migrations"`
	AheadMs    float64            `json:"aheadMs"`
	Settings   []provider.Setting `json:"settings"`
}

func serveInspect(ctx context.Context, h *host, a storeArguments, _ string) (result, error) {
	s, err := h.store(a.Store)
	if err != nil {
		return result{}, err
	}
	if s.inspector == nil {
		return result{}, &engine.InputError{Message: "a store of this kind says nothing of itself"}
	}
	found, err := s.inspector.Inspect(ctx)
	if err != nil {
		return result{}, err
	}
	kind, storeVersion := s.inspector.Name()
	return result{value: inspection{
		Kind: kind, Version: storeVersion, Engine: version, Settings: found.Settings,
		Migrations: migrationCount{found.Applied, found.Known},
		AheadMs:    float64(found.Ahead.Microseconds()) / 1000,
	}}, nil
}

func openSQLite(
	ctx context.Context, a openArguments, log *slog.Logger,
) (provider.Provider, error) {
	synchronous, ok := synchronousModes[a.Synchronous]
	if !ok {
		return nil, &engine.InputError{
			Message: fmt.Sprintf("unknown mode of synchronous %q", a.Synchronous),
		}
	}
	return sqlite.Open(ctx, sqlite.Options{
		Path:        a.Path,
		Memory:      a.Memory,
		Synchronous: synchronous,
		CreateDirs:  a.CreateDirs,
		ReadOnly:    a.ReadOnly,
		VerifyOnly:  a.Migrate != nil && !*a.Migrate,

		OrphanRetention: retention(a.OrphanRetentionMs), ReplyRetention: retention(a.ReplyRetentionMs),

		Release: version,

		Log: log.With(slog.String(logging.TargetKey, "duroxide::providers::sqlite")),
	})
}

// abandonTime bounds how long an abandoned store may take to close.
const abandonTime = 30 * time.Second

// abandoning counts the stores of hosts that are gone, until they are closed.
var abandoning sync.WaitGroup

// abandon closes the store of a host that is gone.
func (s *store) abandon() {
	ctx, cancel := context.WithTimeout(context.Background(), abandonTime)
	defer cancel()
	if err := s.engine.Close(ctx); err != nil && !errors.Is(err, provider.ErrClosed) {
		logging.Logger.Warn("closing the store of a host that is gone", slog.String("error", err.Error()))
	}
}

// addStore gives the store a number. A host that has ended meanwhile takes no more stores.
func (h *host) addStore(s *store) (uint64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return 0, engine.ErrHostGone
	}
	h.lastID++
	h.stores[h.lastID] = s
	return h.lastID, nil
}

// runtime gives a runtime that has started and is not shut down.
func (h *host) runtime(number uint32) (startedRuntime, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.runtimes[number]
	return r, ok
}

// store gives an open store. provider.ErrClosed: there is none with this number.
func (h *host) store(id uint64) (*store, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stores[id]
	if s == nil {
		return nil, provider.ErrClosed
	}
	return s, nil
}

// takeStore removes a store from the list, so that one caller closes it.
func (h *host) takeStore(id uint64) *store {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stores[id]
	delete(h.stores, id)
	return s
}
