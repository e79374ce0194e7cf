package postgres

import (
	"github.com/jackc/pgx/v5/pgconn"

	"duroxide/provider"
)

// fate is what becomes of a call that the server refused.
type fate int

const (
	// later: the server is in trouble that may pass; the caller tries again.
	later fate = iota
	// conflict: the transaction met another one, or something that is found anew; it is run again here.
	conflict
	// condemned: the connection is no good any more; it is closed, and another one is made.
	condemned
	// permanent: the same call would be refused again.
	permanent
)

// verdict is the fate of a call, and what programs are told of its cause.
type verdict struct {
	fate     fate
	sentinel error
	// undecided says that the transaction may have been committed all the same.
	undecided bool
}

// verdictOn gives the verdict on an error of the server. A fault that may pass must never be taken for
// one of the call: an instance could fail for it. So what is not known to be permanent is not.
func verdictOn(err *pgconn.PgError) verdict {
	if err.Code == stateUnsupported && err.Routine == planIsStale {
		return verdict{fate: conflict}
	}
	if v, ok := verdicts[err.Code]; ok {
		return v
	}
	if len(err.Code) == stateLength {
		return classes[err.Code[:2]]
	}
	return verdict{}
}

const (
	stateLength = 5
	// classRollback is what a transaction gets that was given up for another one.
	classRollback = "40"
	// stateUnsupported is also what a prepared statement gets whose tables have changed. Only the place in
	// the server that it comes from tells the two apart.
	stateUnsupported = "0A000"
	planIsStale      = "RevalidateCachedQuery"
)

// verdicts are on SQLSTATEs whose class says something else, or which have a sentinel.
var verdicts = map[string]verdict{
	// What an assertion of ours raises, and what two processes may meet in at the same time: numbers
	// of a sequence that a standby had not heard of are given twice after a failover.
	stateDivision: {fate: conflict},
	stateUnique:   {fate: conflict},
	// A lock that somebody else's setting would not wait for.
	stateLockTimeout: {fate: conflict},
	stateDiskFull:    {sentinel: provider.ErrDiskFull},
	// A server that was demoted takes no writes.
	stateReadOnly: {fate: condemned, sentinel: provider.ErrReadOnly},
	// 57014 is a statement that took too long, or that somebody cancelled. Another run now might take
	// as long.
	"57014": {fate: later},
	// Whether the transaction was committed is not known.
	"40003": {fate: condemned, undecided: true},
	// The role lost a right. Somebody may give it back; no call is to blame.
	"42501": {fate: later},
	// Relations, columns, functions, types or schemas are not there, or are other ones.
	stateNoTable: {fate: permanent, sentinel: provider.ErrSchema},
	"42703":      {fate: permanent, sentinel: provider.ErrSchema},
	"42704":      {fate: permanent, sentinel: provider.ErrSchema},
	"42804":      {fate: permanent, sentinel: provider.ErrSchema},
	"42809":      {fate: permanent, sentinel: provider.ErrSchema},
	"42883":      {fate: permanent, sentinel: provider.ErrSchema},
	"42P10":      {fate: permanent, sentinel: provider.ErrSchema},
	// A prepared statement is gone or already there: somebody else uses the connection too.
	"42P05": {fate: condemned},
	// Pages or indexes that are damaged.
	"XX001": {fate: permanent, sentinel: provider.ErrCorrupt},
	"XX002": {fate: permanent, sentinel: provider.ErrCorrupt},
}

// classes are verdicts on whole classes of SQLSTATEs, the first two characters.
var classes = map[string]verdict{
	// The connection ends: perhaps after the commit.
	"08": {fate: condemned, undecided: true},
	// Operator intervention: the server ends, or has it end.
	"57":          {fate: condemned, undecided: true},
	"0A":          {fate: permanent}, // feature not supported
	"21":          {fate: permanent}, // cardinality violation
	"22":          {fate: permanent}, // data exception
	"23":          {fate: permanent}, // integrity constraint violation
	"25":          {fate: condemned}, // invalid transaction state
	"26":          {fate: condemned}, // invalid name of a prepared statement
	"27":          {fate: permanent}, // triggered data change violation
	"28":          {fate: condemned}, // invalid authorization
	"2F":          {fate: permanent}, // SQL routine exception
	"38":          {fate: permanent}, // external routine exception
	"39":          {fate: permanent}, // external routine invocation exception
	"3D":          {fate: condemned}, // invalid name of a database
	"3F":          {fate: permanent, sentinel: provider.ErrSchema},
	classRollback: {fate: conflict},  // serialization failure, deadlock
	"42":          {fate: permanent}, // syntax error or access rule violation
	"44":          {fate: permanent}, // with check option violation
	"54":          {fate: permanent}, // a limit of the server, which a retry would meet again
	"P0":          {fate: permanent}, // an error that somebody's PL/pgSQL raises
}
