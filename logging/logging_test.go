package logging

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var sample = line{
	time: time.Date(2026, 1, 2, 3, 4, 5, 678_000, time.UTC), level: slog.LevelWarn,
	target: TargetActivity, message: "two\nlines",
	attributes: []slog.Attr{slog.Int("execution_id", 1), slog.String("error", `say "no" now`)},
}

func TestCompactLinesAreOneLineEach(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2026-01-02T03:04:05.000678Z  WARN duroxide::activity: two\\nlines "+
		"execution_id=1 error=\"say \\\"no\\\" now\"\n", string((&sink{}).compactLine(sample)))
}

func TestColoursMarkTheSameLine(t *testing.T) {
	t.Parallel()
	plain := string((&sink{}).compactLine(sample))
	painted := string((&sink{colors: true}).compactLine(sample))
	require.Contains(t, painted, "\x1b[33m WARN\x1b[0m ")
	require.Equal(t, plain, regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(painted, ""))
}

func TestJSONLinesHoldTextsOnly(t *testing.T) {
	t.Parallel()
	s := &sink{service: [2]string{"shop", ""}}
	written := s.jsonLine(sample)
	require.JSONEq(t, `{"timestamp":"2026-01-02T03:04:05.000678Z","level":"WARN","fields":`+
		`{"message":"two\nlines","execution_id":"1","error":"say \"no\" now"},`+
		`"target":"duroxide::activity","service_name":"shop"}`, string(written))
	require.Equal(t, len(written)-1, bytes.IndexByte(written, '\n'), "one line")
}

func TestFiltersChooseByTheLongestTarget(t *testing.T) {
	t.Parallel()
	filter := func(s string) *string { return &s }
	for _, c := range []struct {
		filter *string
		level  string
		target string
		want   slog.Level
	}{
		{nil, "info", targetDefault, slog.LevelWarn},
		{nil, "debug", targetDefault, slog.LevelWarn},
		{nil, "debug", TargetOrchestration, slog.LevelDebug},
		{nil, "error", targetDefault, slog.LevelError},
		{nil, "off", targetDefault, levelOff},
		{nil, "", TargetActivity, slog.LevelInfo},
		{nil, "off", TargetActivity, levelOff},
		{filter(""), "info", TargetActivity, levelOff},
		{filter("off"), "info", TargetActivity, levelOff},
		{filter("duroxide=debug,warn"), "info", TargetActivity, slog.LevelDebug},
		{filter("debug,duroxide::activity=error"), "info", TargetActivity, slog.LevelError},
		{filter("duroxide::activity"), "info", TargetActivity, levelTrace},
		{filter("duroxide::activity"), "info", targetDefault, levelOff},
		{filter("duroxide=loud"), "warn", targetDefault, slog.LevelWarn},
		{filter("warn,debug"), "info", targetDefault, slog.LevelDebug},
		{filter("duroxide=debug,info,duroxide=error"), "info", targetDefault, slog.LevelError},
	} {
		f := chooseFilter(c.filter, c.level)
		require.Equal(t, c.want, f.levelOf(c.target), "%v", c)
		require.LessOrEqual(t, f.lowest, f.levelOf(c.target))
	}
}

func TestTheFirstSinkOfTheProcessStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	missing := filepath.Join(t.TempDir(), "no", "log")
	require.NoError(t, Install(Options{Path: &path, Level: "debug", Format: "json"}))
	Logger.Warn("hello", slog.String(TargetKey, "duroxide::somewhere"))
	require.ErrorIs(t, Install(Options{Path: &path}), ErrInstalled)
	require.ErrorContains(t, Install(Options{Path: &missing}),
		"Failed to open log file '"+missing+"': no such file or directory")
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(written),
		`"level":"WARN","fields":{"message":"hello"},"target":"duroxide::somewhere"}`)
}

func TestColoursAreUsedOnlyWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	require.NotContains(t, string((&sink{}).compactLine(sample)), "\x1b")
	require.Contains(t, string((&sink{colors: true}).compactLine(sample)), "\x1b[33m WARN\x1b[0m")
}
