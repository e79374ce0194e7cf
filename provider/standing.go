package provider

// Standing is what a store knows of what an instance waits for, besides its history.
type Standing struct {
	// Node is who holds the instance; "" is nobody. A lease that has ended may still count.
	Node string
	// ReadySinceMs is since when there is something that it has not taken yet; zero: there is nothing.
	ReadySinceMs int64
	// Lane is what a node must serve to take it, as it is known: of one that has not begun, what its start
	// asks for.
	Lane Lane
	// Tasks are those of the current execution, by their events from the one on that was asked for, at most
	// MostStanding.
	Tasks []TaskStanding
}

// TaskStanding is a task that is not finished.
type TaskStanding struct {
	Event uint64
	// Node is who holds it; "" is nobody.
	Node string
	// DueMs is when it may begin, or might have begun. Attempts is the stored number.
	DueMs    int64
	Attempts int
	// Progress is nil for one without a policy, and where nobody here can read it.
	Progress *Progress
	// Heartbeat is what its activity has last said of itself, or nil.
	Heartbeat *string
	// Ahead is how many tasks of its lane go first, at most MostAhead: where it waits for a worker.
	Ahead int
	// Owner is whose its session is; "" is nobody's.
	Owner string
}

// Bounds of a Standing.
const (
	MostStanding = 100
	MostAhead    = 1000
)
