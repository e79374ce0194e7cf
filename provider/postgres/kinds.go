package postgres

// Kinds of messages as statements have them: as literals, because an index with a condition is used only
// where the statement has the same literal. A test compares them with the numbers of the contract.
// Migrations have numbers of their own.
const (
	starts     = "(1, 2)"     // what begins an execution: StartInstance and ContinueInstance
	beginnings = "(1, 2, 8)"  // what is looked at before everything else: these and CancelInstance
	timers     = "4"          // TimerDue
	ends       = "(8)"        // what ends an instance without its code, see MessageKind.EndsHeld
	inputs     = "(5, 6, 20)" // EventRaised, QueueEvent, PromiseSettled
)

// timed are messages that wait for their time: timers, and time limits of instances.
const timed = "(kind = " + timers + " AND due > $1 OR kind IN " + ends + " AND effective > $1)"
