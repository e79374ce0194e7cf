package history

// levels has the format level of those kinds of events that not every release reads: the version of the
// first one that does, packed like those of engines. So far every release reads all of them.
var levels = map[Kind]uint64{}

// LevelOf gives the lowest format level that reads the events. It is that of what is written, not of who
// writes: what an older release can go on with is left to it.
func LevelOf(events []Event) uint64 {
	level := uint64(0)
	for i := range events {
		level = max(level, levels[events[i].Kind()])
	}
	return level
}
