package logging

import (
	"log/slog"
	"slices"
	"strings"
)

// filter decides by target and level. The longest prefix of the target counts.
type filter struct {
	directives []directive
	// lowest is the lowest level that any target shows.
	lowest slog.Level
}

type directive struct {
	target string
	level  slog.Level
}

// levelOf gives the lowest level that a target shows.
func (f filter) levelOf(target string) slog.Level {
	for _, d := range f.directives {
		if strings.HasPrefix(target, d.target) {
			return d.level
		}
	}
	return levelOff
}

// newFilter makes a filter. Of two directives for one target the later counts.
func newFilter(directives []directive) filter {
	slices.Reverse(directives)
	slices.SortStableFunc(directives, func(a, b directive) int {
		return len(b.target) - len(a.target)
	})
	f := filter{directives: directives, lowest: levelOff}
	for _, d := range directives {
		f.lowest = min(f.lowest, d.level)
	}
	return f
}

// defaultFilter shows the traces of user code from the level on, and of everything else warnings,
// so that a low level does not bring the engine's routine with it; a high one silences all.
func defaultFilter(level string) filter {
	lowest, ok := parseLevel(level)
	if !ok {
		lowest = slog.LevelInfo
	}
	return newFilter([]directive{
		{level: max(lowest, slog.LevelWarn)},
		{target: TargetOrchestration, level: lowest},
		{target: TargetActivity, level: lowest},
	})
}

// chooseFilter gives the filter of the text, or that of the level where there is no text or it
// cannot be understood.
func chooseFilter(text *string, level string) filter {
	if text == nil {
		return defaultFilter(level)
	}
	directives, ok := parseDirectives(*text)
	if !ok {
		return defaultFilter(level)
	}
	return newFilter(directives)
}

// parseDirectives reads "level", "target" and "target=level", separated by commas.
func parseDirectives(text string) ([]directive, bool) {
	var directives []directive
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		target, name, named := strings.Cut(part, "=")
		if level, ok := parseLevel(part); ok && !named {
			directives = append(directives, directive{level: level})
			continue
		}
		level := levelTrace
		if named {
			var ok bool
			if level, ok = parseLevel(name); !ok {
				return nil, false
			}
		}
		if strings.ContainsAny(target, " \t\"[]{}") {
			return nil, false
		}
		directives = append(directives, directive{target: target, level: level})
	}
	return directives, true
}

func parseLevel(name string) (slog.Level, bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "off":
		return levelOff, true
	case "error":
		return slog.LevelError, true
	case "warn":
		return slog.LevelWarn, true
	case "info":
		return slog.LevelInfo, true
	case "debug":
		return slog.LevelDebug, true
	case "trace":
		return levelTrace, true
	default:
		return 0, false
	}
}
