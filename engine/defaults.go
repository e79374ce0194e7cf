package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sort"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"

	"duroxide/engine/replay"
)

// DefaultVersion says which version starts of an orchestration take that ask for none.
type DefaultVersion struct {
	Name    string `json:"-"`
	Version string `json:"version"`
	// Percent of the ids take Version, the others Before.
	Percent int    `json:"percent"`
	Before  string `json:"before,omitempty"`
}

// everybody is the percentage that leaves nobody out.
const everybody = 100

// defaultsFresh is how long what was read of the defaults is believed: so long another process may go on
// with what was said before.
const defaultsFresh = time.Second

// of gives the version for an id.
func (d DefaultVersion) of(instance string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(instance))
	if int(h.Sum32()%everybody) < d.Percent {
		return d.Version
	}
	return d.Before
}

// defaults is what an engine knows of them.
type defaults struct {
	mu    sync.Mutex // held while they are read: who comes meanwhile waits for the same answer
	until time.Time
	known map[string]DefaultVersion
}

// readDefaults gives the defaults, as the store has them.
func (c *Client) readDefaults(ctx context.Context) (map[string]DefaultVersion, error) {
	stored, err := retry(ctx, c, c.e.store.Defaults)
	if err != nil {
		return nil, err
	}
	known := make(map[string]DefaultVersion, len(stored))
	for name, body := range stored {
		var d DefaultVersion
		if err := json.Unmarshal(body, &d); err != nil {
			return nil, fmt.Errorf("the default version of '%s': %w", name, err)
		}
		d.Name = name
		known[name] = d
	}
	return known, nil
}

// defaultVersions gives the defaults as they were not long ago.
func (c *Client) defaultVersions(ctx context.Context) (map[string]DefaultVersion, error) {
	d := &c.e.defaults
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := c.e.clock.Now(); !now.Before(d.until) {
		known, err := c.readDefaults(ctx)
		if err != nil {
			return d.known, err
		}
		d.known, d.until = known, now.Add(defaultsFresh)
	}
	return d.known, nil
}

// pin gives the version that a start asks for: the default, where it asks for none and there is one.
func (c *Client) pin(ctx context.Context, name, instance string, asked *string) (*string, error) {
	if asked != nil {
		return asked, nil
	}
	known, err := c.defaultVersions(ctx)
	if d, ok := known[name]; ok && err == nil {
		version := d.of(instance)
		return &version, nil
	}
	return nil, err
}

// SetDefaultVersion says which version starts, children and schedules take that ask for none: those of so
// many percent of the ids, and the others what was the default for all before. An empty version forgets it,
// so that the highest is taken again. An *InputError says what cannot be.
func (c *Client) SetDefaultVersion(ctx context.Context, name, version string, percent int) error {
	if err := checkName("orchestrationName", name); err != nil {
		return err
	}
	body, err := c.defaultBody(ctx, name, version, percent)
	if err != nil {
		return err
	}
	_, err = retry(ctx, c, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, c.e.store.SetDefault(ctx, name, body)
	})
	c.e.defaults.mu.Lock()
	c.e.defaults.until = time.Time{}
	c.e.defaults.mu.Unlock()
	return err
}

// defaultBody gives what is stored of a default; nil of none.
func (c *Client) defaultBody(ctx context.Context, name, version string, percent int) ([]byte, error) {
	if version == "" {
		return nil, nil
	}
	d := DefaultVersion{Version: version, Percent: percent}
	if _, err := semver.StrictNewVersion(version); err != nil || percent < 1 || percent > everybody {
		return nil, inputErrorf("the default version of '%s' must be a semantic version for 1 to 100 percent", name)
	}
	if percent < everybody {
		known, err := c.readDefaults(ctx)
		if err != nil {
			return nil, err
		}
		if d.Before = known[name].forOthers(); d.Before == "" {
			return nil, inputErrorf("version %s of '%s' cannot be the default of %d percent: nothing says what the others "+
				"take; set the version of today as the default first", version, name, percent)
		}
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("the default version of '%s': %w", name, err)
	}
	return body, nil
}

// forOthers gives what those take that a new default leaves out.
func (d DefaultVersion) forOthers() string {
	if d.Percent == everybody {
		return d.Version
	}
	return d.Before
}

// DefaultVersions lists what SetDefaultVersion has said, by name.
func (c *Client) DefaultVersions(ctx context.Context) ([]DefaultVersion, error) {
	known, err := c.readDefaults(ctx)
	var found []DefaultVersion
	for _, d := range known {
		found = append(found, d)
	}
	sort.Slice(found, func(i, j int) bool { return found[i].Name < found[j].Name })
	return found, err
}

// pin gives what a turn starts the versions that are the default. What continues as new never goes back: it
// takes the higher of its own version and the default.
func (t *turn) pin(d *replay.Delta) error {
	c := t.rt.e.Client()
	for _, started := range [][]replay.NewInstance{d.Children, d.Detached} {
		for n := range started {
			version, err := c.pin(t.rt.ctx, started[n].Name, started[n].Instance, started[n].Version)
			if err != nil {
				return err
			}
			started[n].Version = version
		}
	}
	if d.Ending == nil || d.Ending.Kind != replay.Continued {
		return nil
	}
	next, p := d.Ending.Successor, t.r.x.Params()
	version, err := c.pin(t.rt.ctx, p.Name, p.Instance, next.Version)
	if err != nil {
		return err
	}
	if next.Version == nil && version != nil && isHigher(p.Version, *version) {
		version = &p.Version
	}
	next.Version = version
	return nil
}

// isHigher compares versions. What is none is never higher.
func isHigher(a, b string) bool {
	left, err := semver.StrictNewVersion(a)
	if err != nil {
		return false
	}
	right, err := semver.StrictNewVersion(b)
	return err == nil && left.GreaterThan(right)
}
