package providertest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

// anyRoute takes untagged tasks without a session.
var anyRoute = provider.Route{}

// worker gives the route of a worker that takes sessions too.
func worker(owner string, ttl time.Duration) provider.Route {
	return provider.Route{Session: &provider.SessionHolder{Owner: owner, TTL: ttl}}
}

func tagged(mode provider.TagMode, tags ...string) provider.Route {
	return provider.Route{Tags: provider.TagFilter{Mode: mode, Tags: tags}}
}

// activity gives a new task named after its event.
func activity(id uint64) provider.NewTask {
	return provider.NewTask{Task: provider.Task{
		Event: id, Name: fmt.Sprint("a", id), Input: "{}", Orchestration: "TestOrch",
		Version: "1.0.0",
	}}
}

func inSession(id uint64, session string) provider.NewTask {
	n := activity(id)
	n.Task.Session = &session
	return n
}

// withTag gives a task of an activity that all tasks of the tag have, so that they are in one lane.
func withTag(id uint64, tag string) provider.NewTask {
	n := activity(id)
	n.Task.Tag, n.Task.Name = &tag, "on "+tag
	return n
}

// plan adds tasks to a turn.
func plan(tasks ...provider.NewTask) func(*provider.Commit) {
	return func(c *provider.Commit) {
		for _, n := range tasks {
			n.Task.Execution = c.Execution
			c.NewTasks = append(c.NewTasks, n)
		}
	}
}

// schedule commits a turn of instance W that inserts tasks.
func (k *kit) schedule(tasks ...provider.NewTask) {
	k.Helper()
	add := func(c *provider.Commit) {
		for _, n := range tasks {
			n.Task.Instance, n.Task.Execution = "W", c.Execution
			c.NewTasks = append(c.NewTasks, n)
		}
	}
	status, err := k.Provider.Status(k.ctx, "W")
	require.NoError(k, err)
	if status == nil {
		k.create("W", add)
		return
	}
	k.step("W", add)
}

// workWith claims at most one task for a new node; nil means that there was none.
func (k *kit) workWith(route provider.Route, ttl time.Duration) *provider.TaskClaim {
	k.Helper()
	claimed := k.claim(provider.ClaimRequest{Tasks: k.holder(ttl), MaxTasks: 1, Route: route})
	if len(claimed.Tasks) == 0 {
		return nil
	}
	require.Len(k, claimed.Tasks, 1)
	return &claimed.Tasks[0]
}

// work claims the task of an event.
func (k *kit) work(id uint64, route provider.Route) provider.TaskClaim {
	k.Helper()
	return k.workFor(id, route, long)
}

func (k *kit) workFor(id uint64, route provider.Route, ttl time.Duration) provider.TaskClaim {
	k.Helper()
	claim := k.workWith(route, ttl)
	require.NotNil(k, claim, "task %d is claimable", id)
	require.Equal(k, id, claim.Task.Event)
	return *claim
}

func (k *kit) noWork(route provider.Route) {
	k.Helper()
	claim := k.workWith(route, long)
	require.Nil(k, claim, "no task is claimable")
}

// complete finishes a task and gives what became of it.
func (k *kit) complete(token provider.Token, outcome *provider.Message) error {
	k.Helper()
	results, err := k.Provider.Complete(k.ctx, provider.Completions{
		Items: []provider.Completion{{Task: token, Message: outcome}},
	})
	require.NoError(k, err)
	require.Len(k, results, 1)
	return results[0].Err
}

// finish completes a held task of instance W.
func (k *kit) finish(claim provider.TaskClaim) {
	k.Helper()
	message := done("W", claim.Task.Event, "result")
	require.NoError(k, k.complete(claim.Token, &message))
}

func (k *kit) giveTaskBack(
	claim provider.TaskClaim, delay time.Duration, ignore bool,
) provider.Abandoned {
	k.Helper()
	result, err := k.Provider.Abandon(k.ctx, provider.Abandonment{Tasks: []provider.AbandonedTask{
		{Token: claim.Token, Delay: delay, IgnoreAttempt: ignore},
	}})
	require.NoError(k, err)
	return result
}

// renewTask extends the lease of a task and reports whether the task is still held.
func (k *kit) renewTask(claim provider.TaskClaim, extend time.Duration) (held bool, err error) {
	k.Helper()
	lost, err := k.Provider.Renew(k.ctx, provider.Renewal{
		Lease: claim.Token.Lease, Extend: extend, Tasks: []provider.Token{claim.Token},
	})
	return len(lost) == 0, err
}

func (k *kit) renewSessions(owner string, extend, idle time.Duration) int {
	k.Helper()
	n, err := k.Provider.RenewSessions(k.ctx,
		provider.SessionRenewal{Owners: []string{owner}, Extend: extend, Idle: idle})
	require.NoError(k, err)
	return n
}

func (k *kit) releaseSessions(owner string) int {
	k.Helper()
	n, err := k.Provider.ReleaseSessions(k.ctx, owner)
	require.NoError(k, err)
	return n
}

func (k *kit) cleanupSessions() int {
	k.Helper()
	n, err := k.Provider.CleanupSessions(k.ctx)
	require.NoError(k, err)
	return n
}
