// Package engine runs orchestrations: it holds the instances that live on this node, gives their
// messages to user code through a Host, and commits what came of it to a provider.
//
// The model on one page.
//
//   - An instance is one durable run of an orchestration, named by its id. Its executions are
//     numbered 1, 2, 3 …; continue-as-new ends one and begins the next. Each has its own history.
//   - A history is the list of events of an execution: the only truth. A message is a durable entry
//     for an instance (a start, a completion, a signal). A task is a durable entry for a worker.
//   - A turn takes the messages of one instance one by one: it appends the completion, lets the
//     code run until it blocks (a step), appends what the step asked for (its actions), and takes
//     the next. One commit writes the whole turn.
//   - A resident is an instance that lives here: its generator in the host, its index of open
//     actions in replay.Execution, its mailbox. Replay from history happens only when there is no
//     resident that fits the claim.
//   - A delivery answers an action. A token links the two; it is never stored.
//   - A lease is this node's right to what it claimed; see package provider.
package engine
