package engine

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/Masterminds/semver/v3"

	"duroxide/history"
	"duroxide/provider"
)

// unversioned is what older records hold where no version was chosen.
const unversioned = "0.0.0"

// Registry names the orchestrations and activities that a runtime can run. Their functions live
// in the host. It is safe for concurrent use; names added after a runtime started are seen by it.
type Registry struct {
	mu sync.RWMutex
	// Guarded by mu.
	orchestrations map[string]*orchestrationVersions
	activities     map[string]struct{}
	changes        uint64
}

type orchestrationVersions struct {
	latest *semver.Version
	known  map[string]OrchestrationOptions
}

// OrchestrationOptions are what a version of an orchestration is registered with.
type OrchestrationOptions struct {
	// CancelGrace is how long a cancellation that says nothing else leaves its code to clean up.
	CancelGrace time.Duration
	// Replaces are versions that it goes on with too; without bounds there are none.
	Replaces []Bound
}

// Bound compares versions with one: Compare is "<", "<=", ">", ">=" or "=".
type Bound struct {
	Compare string
	Version string
}

func (b Bound) holds(v *semver.Version) bool {
	bound, err := semver.StrictNewVersion(b.Version)
	if err != nil {
		return false
	}
	order := v.Compare(bound)
	switch b.Compare {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	default:
		return order == 0
	}
}

// replaces reports whether all bounds hold for a version. A text that is none is never replaced.
func (o OrchestrationOptions) replaces(version string) bool {
	v, err := semver.StrictNewVersion(version)
	return err == nil && len(o.Replaces) > 0 &&
		!slices.ContainsFunc(o.Replaces, func(b Bound) bool { return !b.holds(v) })
}

// of gives what runs for a version: what is registered for it, else the highest that replaces it.
func (versions *orchestrationVersions) of(version string) (o OrchestrationOptions, ok bool) {
	if o, ok = versions.known[version]; ok {
		return o, true
	}
	var best *semver.Version
	for registered, other := range versions.known {
		v, err := semver.StrictNewVersion(registered)
		if err == nil && other.replaces(version) && (best == nil || v.GreaterThan(best)) {
			o, ok, best = other, true, v
		}
	}
	return o, ok
}

// NewRegistry gives an empty registry.
func NewRegistry() *Registry {
	return &Registry{
		orchestrations: make(map[string]*orchestrationVersions),
		activities:     make(map[string]struct{}),
	}
}

// AddOrchestration registers one version of an orchestration. Versions are full semantic versions
// and must be added in rising order; anything else is an *InputError and changes nothing, as is a
// *LimitError for what is too long.
func (g *Registry) AddOrchestration(name, version string) error {
	return g.AddOrchestrationWith(name, version, OrchestrationOptions{})
}

// AddOrchestrationWith is AddOrchestration with options.
func (g *Registry) AddOrchestrationWith(name, version string, o OrchestrationOptions) error {
	if err := cmp.Or(checkName("name", name), checkSize("version", version, history.MaxVersionBytes)); err != nil {
		return err
	}
	v, err := semver.StrictNewVersion(version)
	if err != nil {
		return inputErrorf("Version '%s' is not valid semver", version)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	versions := g.orchestrations[name]
	if versions == nil {
		g.orchestrations[name] = &orchestrationVersions{
			latest: v,
			known:  map[string]OrchestrationOptions{version: o},
		}
		g.changes++
		return nil
	}
	if _, ok := versions.known[version]; ok {
		return inputErrorf("duplicate orchestration registration: %s@%s", name, version)
	}
	if !v.GreaterThan(versions.latest) {
		return inputErrorf(
			"non-monotonic orchestration version for %s: %s is not later than existing latest %s",
			name, version, versions.latest.Original())
	}
	versions.latest = v
	versions.known[version] = o
	g.changes++
	return nil
}

// AddActivity registers an activity. A name that is taken or reserved is an *InputError, one
// that is too long a *LimitError.
func (g *Registry) AddActivity(name string) error {
	if strings.HasPrefix(name, history.ReservedActivityPrefix) {
		return inputErrorf("activity name '%s' uses reserved prefix '%s'",
			name, history.ReservedActivityPrefix)
	}
	if err := checkName("name", name); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.activities[name]; ok {
		return inputErrorf("duplicate activity registration: %s", name)
	}
	g.activities[name] = struct{}{}
	g.changes++
	return nil
}

// Resolve gives the version that runs for a name: the highest one where version is nil or the
// recorded "0.0.0", else exactly the given one, be it one that another replaces. ok is false where it is not registered; a text
// that is no semantic version never is.
func (g *Registry) Resolve(name string, version *string) (resolved string, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	versions := g.orchestrations[name]
	if versions == nil {
		return "", false
	}
	if version == nil || *version == unversioned {
		return versions.latest.Original(), true
	}
	if _, ok := versions.of(*version); !ok {
		return "", false
	}
	return *version, true
}

// grace gives how long a cancellation leaves the code of a version, in milliseconds.
func (g *Registry) grace(name, version string) uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	versions := g.orchestrations[name]
	if versions == nil {
		return 0
	}
	o, _ := versions.of(version)
	return graceMs(o.CancelGrace)
}

// serves gives what a node with this code can run, as stores ask for it.
func (g *Registry) serves(level uint64, code string) *provider.Serves {
	return &provider.Serves{Level: level, Orchestration: g.hasOrchestration, Activity: g.HasActivity, Code: code}
}

// hasOrchestration reports whether a version is registered; an empty one is the highest.
func (g *Registry) hasOrchestration(name, version string) bool {
	wanted := &version
	if version == "" {
		wanted = nil
	}
	_, ok := g.Resolve(name, wanted)
	return ok
}

// state changes with what is registered.
func (g *Registry) state() uint64 {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.changes
}

// orchestrationNames lists the versions of each orchestration, ascending.
func (g *Registry) orchestrationNames() map[string][]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := make(map[string][]string, len(g.orchestrations))
	for name, versions := range g.orchestrations {
		known := slices.Collect(maps.Keys(versions.known))
		sort.Slice(known, func(i, j int) bool {
			return semver.MustParse(known[i]).LessThan(semver.MustParse(known[j]))
		})
		all[name] = known
	}
	return all
}

// ranges lists, for each orchestration, the ranges of versions that others of it replace.
func (g *Registry) ranges() map[string][]string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	all := map[string][]string{}
	for name, versions := range g.orchestrations {
		for _, o := range versions.known {
			if text := rangeOf(o.Replaces); text != "" {
				all[name] = append(all[name], text)
			}
		}
		sort.Strings(all[name])
	}
	return all
}

// rangeOf gives the text of bounds, and boundsOf gives them back.
func rangeOf(bounds []Bound) string {
	var text []string
	for _, b := range bounds {
		text = append(text, b.Compare+b.Version)
	}
	return strings.Join(text, " ")
}

func boundsOf(text string) (bounds []Bound) {
	for each := range strings.FieldsSeq(text) {
		version := strings.TrimLeft(each, "<>=")
		bounds = append(bounds, Bound{Compare: each[:len(each)-len(version)], Version: version})
	}
	return bounds
}

// activityNames lists the activities.
func (g *Registry) activityNames() []string {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return slices.Sorted(maps.Keys(g.activities))
}

// HasActivity reports whether an activity of the name is registered.
func (g *Registry) HasActivity(name string) bool {
	g.mu.RLock()
	defer g.mu.RUnlock()
	_, ok := g.activities[name]
	return ok
}
