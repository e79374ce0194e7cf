package sqlite

// Kinds of messages as statements have them: as literals, because an index with a condition is used only
// where the statement has the same literal. A test compares them with the numbers of the contract.
// Migrations have numbers of their own.
const (
	starts = "(1, 2)"     // what begins an execution: StartInstance and ContinueInstance
	timers = "4"          // TimerDue
	ends   = "(8)"        // what ends an instance without its code, see MessageKind.EndsHeld
	firsts = "(1, 2, 8)"  // what goes first: the two above
	inputs = "(5, 6, 20)" // EventRaised, QueueEvent, PromiseSettled
)

// timed are messages that wait for their time: timers, and time limits of instances.
const timed = "(kind = " + timers + " AND due > ?1 OR kind IN " + ends + " AND effective > ?1)"

// Of the many messages that may wait for an instance these are found by an index that has nothing else. It
// is used only where its own condition stands in the statement, too.
const (
	firstMessages = "messages INDEXED BY duroxide_messages_first"
	isStarting    = "kind IN " + firsts + " AND kind IN " + starts
	isEnding      = "kind IN " + firsts + " AND kind IN " + ends
)
