package provider

// Counting is a store that counts what it writes.
type Counting interface {
	// Written gives the number of transactions that this store has committed since it was opened, and how many
	// calls were written in them.
	Written() (commits, calls uint64)
}
