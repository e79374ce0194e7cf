package postgres

import "duroxide/provider"

// writes are the changes of a group, column by column, so that each kind is one statement.
type writes struct {
	touched   map[uint64]*instance
	takenOver struct{ instance, batch, batchDue []int64 }
	unhidden  []int64
	// forward are instances whose delayed starts are due now.
	forward []int64
	// moved are the new lanes of instances, for their messages.
	moved     map[uint64]int64
	consumed  struct{ instance, id []int64 }
	abandoned map[messageKey]messageChange
	arrived   struct {
		instance, id, due, effective, kind, execution, source, lane []int64
		body                                                        [][]byte
		arrivals                                                    []*arrival
		numbered                                                    int
	}
	timers struct{ instance, execution, event []int64 }
	// timeouts are instances that have ended before their time was over.
	timeouts []int64
	keys     struct {
		instance, until []int64
		hash, answer    [][]byte
	}

	finished taskTokens
	// freed tasks: the new due time, and how many attempts and marks more.
	freed struct {
		taskTokens
		due, attempts, marks []int64
	}
	// failed are tasks of which an attempt has failed, retried those that waited for a decision, and
	// progress is that of new tasks.
	failed struct {
		taskTokens
		due      []int64
		progress [][]byte
	}
	retried  struct{ instance, execution, event, due []int64 }
	progress struct {
		id    []int64
		bytes [][]byte
	}
	// begun are tasks that get an attempt.
	begun  taskTokens
	taken  struct{ id, lease []int64 }
	hidden struct{ id, due []int64 }
	// newTasks are claimed, waitingTasks are not.
	newTasks, waitingTasks taskRows
	// fronts are sessions of which another task may be the first waiting one, and round is the highest
	// place that was claimed.
	fronts []string
	round  int64

	sessions map[string]*session
	opened   struct {
		id, until, length []int64
		node              []string
	}
	extended map[provider.LeaseID]int64

	records
}

// records are the writes of turns to what is kept.
type records struct {
	rows struct {
		instance, execution, first []int64
		body                       [][]byte
	}
	created struct {
		instance, parentExecution, parentEvent []int64
		name, version, parent                  []string
		life, parentLife                       [][]byte
	}
	renamed struct {
		instance      []int64
		name, version []string
	}
	// lives are those of instances whose life was unknown, starts how many a life has used.
	lives struct {
		instance []int64
		life     [][]byte
	}
	starts struct{ instance, starts []int64 }
	// holds are what instances are held for from now on, or null.
	holds struct {
		instance []int64
		hold     [][]byte
	}
	// cancelling says which instances are being cancelled from now on, or for null not any more.
	cancelling struct {
		instance   []int64
		cancelling [][]byte
	}
	// patches are what executions have been answered at their patches.
	patches struct {
		instance, execution []int64
		answers             [][]byte
	}
	custom struct {
		instance []int64
		status   [][]byte
	}
	sizes struct{ instance, execution, events, bytes []int64 }
	// executions are new ones, outcomes those of others.
	executions, outcomes executionRows
	cleared              []int64
	values               struct {
		instance, at []int64
		key, live    [][]byte
	}
	merged []int64
	orphans
}

// taskRows are new tasks.
type taskRows struct {
	id, instance, execution, event, lease, epoch, lane []int64
	tag, session                                       []*string
	body                                               [][]byte
}

// executionRows say how executions stand.
type executionRows struct {
	instance, execution, status, completed []int64
	output                                 [][]byte
	failure                                []string
}

// orphans are instances without a start whose due messages are hidden or dropped.
type orphans struct {
	delayed struct{ instance, start []int64 }
	waiting []int64
	// late are places whose messages are dropped that have waited too long.
	late []int64
}

// taskTokens are those of tasks, which must be valid.
type taskTokens struct{ id, epoch, lease []int64 }

func (k *taskTokens) add(t *task) {
	k.id, k.epoch = append(k.id, signed(t.id)), append(k.epoch, signed(t.epoch))
	k.lease = append(k.lease, signed(t.lease))
}

// messageChange is how many attempts more a message has, and its new due time or 0.
type messageChange struct{ attempts, due int64 }

func newWrites() writes {
	return writes{
		abandoned: map[messageKey]messageChange{},
		touched:   map[uint64]*instance{}, moved: map[uint64]int64{}, sessions: map[string]*session{},
		extended: map[provider.LeaseID]int64{},
	}
}
