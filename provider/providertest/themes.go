package providertest

// themes lists all cases.
func themes() []theme {
	return []theme{
		atomicity, locking, leases, queue, backlogs, creation, attempts, failures, cancellation,
		deletion,
		capability, serving, holding, repairing, founding, sessions, tags, fairness, values, management, handoff, wakeups, damage,
		names, lives, keys, clocks, presence, standing, defaults, finding, model,
	}
}
