package history

// NewestRules is the number that new executions get. The rules of an execution say how its history is
// to be replayed: what code is given and asked for where releases differ. They are fixed by its start,
// so that an execution that an earlier release began goes on as it began; what continues it as new
// takes the newest. Each difference is behind a question about the number, and
// lib/orchestration/rules.js lists what the numbers mean there.
//
//	0  releases that did not write the number
//	1  failures keep what they are: classes of errors go by the kind of a failure and not by its text,
//	   timeouts say what was too late, values keep the errors in them, a returned task is refused
//	2  a replay lets inputs, values, tags and sessions differ, and compares the ids that code gave to
//	   children; a branch that loses is stopped by an error, so that it can clean up, and a branch that
//	   continues as new fails the instance; an activity that is tried again, or in time, is one scheduled activity
//	3  an attempt of an inline activity is limited where it runs, and not by a timer beside it
const NewestRules = 3

// LooseReplayRules are the first under which only strict replays compare inputs, values, tags and
// sessions.
const LooseReplayRules = 2
