package provider

// PackVersion packs an engine version into a number that sorts like it. Each part must be below 1000.
func PackVersion(major, minor, patch uint64) uint64 {
	return major*1_000_000 + minor*1_000 + patch
}
