package providertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"duroxide/provider"
)

var sessions = theme{"sessions", "sessions.go", []Case{
	{ID: "C139 C140", Title: "a session worker takes plain and session tasks", run: plainAndSession},
	{ID: "C141 C142", Title: "a live session routes its tasks to its owner", run: toOwner},
	{ID: "C143", Title: "two owners get the tasks of their own sessions", run: twoOwners},
	{ID: "C144 N7", Title: "a session task of another owner hides nothing", run: hidesNothing},
	{ID: "C145 C160", Title: "an ended session can be taken by another owner", run: endedSession},
	{ID: "C146", Title: "a worker without sessions takes plain tasks only", run: plainOnly},
	{ID: "C147 C156", Title: "one owner takes tasks of many sessions in order", run: manySessions},
	{ID: "C148 C149 C150", Title: "live sessions in use are renewed and counted", run: countedSessions},
	{ID: "C151 C152 C153", Title: "ended sessions without tasks are cleaned up", run: cleanedSessions},
	{ID: "C154", Title: "finishing a task keeps its session in use", run: usedByFinish},
	{ID: "C155", Title: "renewing a task keeps its session in use", run: usedByRenewal},
	{ID: "C157", Title: "an owner of a session gets plain tasks too", run: ownerPlain},
	{ID: "C158 C159", Title: "workers of one owner share its sessions", run: sharedOwner},
	{ID: "C161", Title: "a session that was cleaned up can come back", run: cameBack},
	{ID: "C162 C163", Title: "an abandoned session task stays with its owner", run: abandonedSession},
	{ID: "C164 C165 C168", Title: "an ended session is not renewed but claimed anew", run: notRenewed},
	{ID: "C166", Title: "a task of an ended lease stays with the live session", run: leaseInSession},
	{ID: "C167", Title: "a task lease outlives its session", run: outlives},
	{ID: "C169", Title: "after both leases ended anyone takes the task", run: bothEnded},
	{ID: "C170", Title: "a task is completed after its session ended", run: afterSession},
	{ID: "C171", Title: "a renewed session stays with its owner", run: renewedSession},
	{ID: "P58", Title: "released sessions can be taken by another owner", run: releasedSessions},
	{ID: "P36", Title: "one claim does not take a session twice", run: oneClaim},
}}

const brief = 50 * time.Millisecond

func plainAndSession(k *kit) {
	k.schedule(activity(2), inSession(3, "s"))
	k.work(2, worker("A", long))
	require.Equal(k, "s", *k.work(3, worker("A", long)).Task.Session)
}

func toOwner(k *kit) {
	k.schedule(inSession(2, "s"), inSession(3, "s"))
	k.finish(k.work(2, worker("A", long)))
	k.noWork(worker("B", long))
	k.work(3, worker("A", long))
}

func twoOwners(k *kit) {
	k.schedule(inSession(2, "s1"), inSession(3, "s2"))
	k.finish(k.work(2, worker("A", long)))
	k.finish(k.work(3, worker("B", long)))
	k.schedule(inSession(4, "s2"), inSession(5, "s1"))
	k.work(5, worker("A", long))
	k.noWork(worker("A", long))
	k.work(4, worker("B", long))
}

func hidesNothing(k *kit) {
	k.schedule(inSession(2, "s"))
	k.finish(k.work(2, worker("A", long)))
	k.schedule(inSession(3, "s"), activity(4), inSession(5, "t"))
	k.work(4, worker("B", long))
	k.work(5, worker("B", long))
	k.noWork(worker("B", long))
}

func endedSession(k *kit) {
	k.schedule(inSession(2, "s"))
	k.finish(k.work(2, worker("A", brief)))
	k.schedule(inSession(3, "s"), inSession(4, "s"))
	k.noWork(worker("B", long))
	k.Clock.Advance(brief)
	k.work(3, worker("B", long))
	k.noWork(worker("A", long))
}

func plainOnly(k *kit) {
	k.schedule(inSession(2, "s"), activity(3))
	k.work(3, anyRoute)
	k.noWork(anyRoute)
	k.work(2, worker("A", long))
}

func manySessions(k *kit) {
	k.schedule(inSession(2, "a"), inSession(3, "b"), activity(4), inSession(5, "c"), inSession(6, "a"))
	for id := uint64(2); id <= 6; id++ {
		k.work(id, worker("A", long))
	}
	k.noWork(worker("A", long))
}

func countedSessions(k *kit) {
	k.schedule(inSession(2, "a"), inSession(3, "b"))
	k.work(2, worker("A", long))
	require.Equal(k, 1, k.renewSessions("A", long, time.Minute))
	k.work(3, worker("A", long))
	require.Equal(k, 2, k.renewSessions("A", long, time.Minute))
	require.Zero(k, k.renewSessions("A", long, 0))
	require.Zero(k, k.renewSessions("B", long, time.Minute))
	n, err := k.Provider.RenewSessions(k.ctx, provider.SessionRenewal{Extend: long, Idle: long})
	require.NoError(k, err)
	require.Zero(k, n)
}

func cleanedSessions(k *kit) {
	k.schedule(inSession(2, "ended"), inSession(3, "waiting"), inSession(4, "live"))
	k.finish(k.work(2, worker("A", brief)))
	k.finish(k.work(3, worker("A", brief)))
	k.finish(k.work(4, worker("A", long)))
	k.schedule(inSession(5, "waiting"))
	require.Zero(k, k.cleanupSessions())
	k.Clock.Advance(2 * brief)
	require.Equal(k, 1, k.cleanupSessions())
	require.Zero(k, k.cleanupSessions())
	require.Equal(k, 1, k.renewSessions("A", long, time.Minute), "only the live one is left")
}

func usedByFinish(k *kit) {
	k.schedule(inSession(2, "s"))
	held := k.work(2, worker("A", long))
	k.Clock.Advance(250 * time.Millisecond)
	require.Zero(k, k.renewSessions("A", long, 200*time.Millisecond))
	k.finish(held)
	require.Equal(k, 1, k.renewSessions("A", long, 200*time.Millisecond))
}

func usedByRenewal(k *kit) {
	k.schedule(inSession(2, "s"))
	held := k.work(2, worker("A", long))
	k.Clock.Advance(250 * time.Millisecond)
	kept, err := k.renewTask(held, long)
	require.NoError(k, err)
	require.True(k, kept)
	require.Equal(k, 1, k.renewSessions("A", long, 200*time.Millisecond))
}

func ownerPlain(k *kit) {
	k.schedule(inSession(2, "s"), activity(3))
	k.work(2, worker("A", long))
	k.work(3, worker("A", long))
}

func sharedOwner(k *kit) {
	k.schedule(inSession(2, "s"), inSession(3, "s"), inSession(4, "s"))
	k.work(2, worker("A", long))
	k.noWork(worker("B", long))
	k.work(3, worker("A", long))
	k.noWork(worker("B", long))
}

func cameBack(k *kit) {
	k.schedule(inSession(2, "s"))
	k.finish(k.work(2, worker("A", brief)))
	k.Clock.Advance(2 * brief)
	require.Equal(k, 1, k.cleanupSessions())
	k.schedule(inSession(3, "s"))
	k.work(3, worker("B", long))
}

func abandonedSession(k *kit) {
	k.schedule(inSession(2, "s"))
	claim := k.work(2, worker("A", long))
	require.Equal(k, 1, claim.Attempt)
	k.giveTaskBack(claim, 0, false)
	k.noWork(worker("B", long))
	claim = k.work(2, worker("A", long))
	require.Equal(k, 2, claim.Attempt)
	k.giveTaskBack(claim, time.Millisecond, true)
	k.Clock.Advance(time.Millisecond)
	claim = k.work(2, worker("A", long))
	require.Equal(k, 2, claim.Attempt)
	k.finish(claim)
	k.noWork(worker("A", long))
}

func notRenewed(k *kit) {
	k.schedule(inSession(2, "s"))
	k.finish(k.work(2, worker("A", brief)))
	k.Clock.Advance(brief)
	require.Zero(k, k.renewSessions("A", long, time.Minute))
	k.schedule(inSession(3, "s"), inSession(4, "s"))
	k.work(3, worker("A", long))
	k.noWork(worker("B", long))
	require.Equal(k, 1, k.renewSessions("A", long, time.Minute))
}

func leaseInSession(k *kit) {
	k.schedule(inSession(2, "s"))
	k.workFor(2, worker("A", long), 500*time.Millisecond)
	k.Clock.Advance(500 * time.Millisecond)
	k.noWork(worker("B", long))
	require.Equal(k, 1, k.work(2, worker("A", long)).Marks)
}

func outlives(k *kit) {
	k.schedule(inSession(2, "s"))
	held := k.workFor(2, worker("A", 200*time.Millisecond), short)
	k.Clock.Advance(200 * time.Millisecond)
	k.schedule(inSession(3, "s"))
	k.work(3, worker("B", long))
	k.giveTaskBack(held, 0, false)
	k.noWork(worker("A", long))
	require.Equal(k, 2, k.work(2, worker("B", long)).Attempt)
}

func bothEnded(k *kit) {
	k.schedule(inSession(2, "s"))
	k.workFor(2, worker("A", 200*time.Millisecond), 200*time.Millisecond)
	k.Clock.Advance(200 * time.Millisecond)
	require.Equal(k, 1, k.work(2, worker("B", long)).Marks)
}

func afterSession(k *kit) {
	k.schedule(inSession(2, "s"))
	held := k.work(2, worker("A", brief))
	k.Clock.Advance(2 * brief)
	k.finish(held)
	require.Zero(k, k.renewSessions("A", long, time.Minute), "finishing revives no session")
}

func renewedSession(k *kit) {
	k.schedule(inSession(2, "s"))
	k.finish(k.work(2, worker("A", time.Second)))
	k.Clock.Advance(600 * time.Millisecond)
	require.Equal(k, 1, k.renewSessions("A", time.Second, time.Minute))
	k.Clock.Advance(400 * time.Millisecond)
	k.schedule(inSession(3, "s"))
	k.noWork(worker("B", long))
	k.work(3, worker("A", long))
}

func releasedSessions(k *kit) {
	k.schedule(inSession(2, "a"), inSession(3, "b"), inSession(4, "ended"))
	k.finish(k.work(2, worker("A", long)))
	k.finish(k.work(3, worker("B", long)))
	k.finish(k.work(4, worker("A", brief)))
	k.Clock.Advance(brief)
	k.schedule(inSession(5, "a"), inSession(6, "b"))
	k.noWork(worker("C", long))
	require.Equal(k, 1, k.releaseSessions("A"))
	require.Zero(k, k.releaseSessions("A"))
	require.Zero(k, k.renewSessions("A", long, time.Minute), "released sessions are not renewed")
	k.work(5, worker("C", long))
	k.noWork(worker("C", long))
	k.work(6, worker("B", long))
}

func oneClaim(k *kit) {
	k.schedule(inSession(2, "s"), inSession(3, "s"), inSession(4, "t"))
	claimed := k.claim(provider.ClaimRequest{
		Tasks: k.holder(long), MaxTasks: 2, Route: worker("A", long),
	})
	require.Len(k, claimed.Tasks, 2)
	require.Equal(k, uint64(2), claimed.Tasks[0].Task.Event)
	require.Equal(k, uint64(3), claimed.Tasks[1].Task.Event)
	k.work(4, worker("B", long))
}
