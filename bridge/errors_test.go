package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine"
	"duroxide/provider"
)

func TestBothSidesKnowTheSameCodes(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../lib/errors.js")
	require.NoError(t, err)
	table := regexp.MustCompile(`(?s)ENGINE_CODES = Object\.freeze\(\[(.*?)\]`).FindSubmatch(source)
	require.NotNil(t, table)
	var theirs []string
	for _, match := range regexp.MustCompile(`'([A-Z_]+)'`).FindAllSubmatch(table[1], -1) {
		theirs = append(theirs, string(match[1]))
	}
	ours := []string{codeInternal, codeLimit, codeStorage}
	for _, entry := range codes {
		ours = append(ours, entry.code)
	}
	slices.Sort(ours)
	require.Equal(t, slices.Compact(ours), theirs)
}

func TestErrorsKeepTheirTextAndGetACode(t *testing.T) {
	t.Parallel()
	busy := &provider.Error{Op: "commit", Message: "disk I/O error", Retryable: true}
	full := &provider.Error{Op: "commit", Err: provider.ErrDiskFull}
	for _, c := range []struct {
		err     error
		code    string
		details string
	}{
		{engine.ErrTimeout, "TIMEOUT", ""},
		{&engine.InputError{Message: "x"}, "INVALID_INPUT", ""},
		{&engine.LimitError{Message: "x"}, "LIMIT_EXCEEDED", ""},
		{&engine.RefusedError{Message: "x", Err: provider.ErrStillRunning}, "STILL_RUNNING", ""},
		{fmt.Errorf("reading: %w", provider.ErrInstanceNotFound), "INSTANCE_NOT_FOUND", ""},
		{fmt.Errorf("turn: %w", busy), "STORAGE", `{"operation":"commit","retryable":true}`},
		{full, "DISK_FULL", `{"operation":"commit"}`},
		{errors.New("anything"), "INTERNAL", ""},
	} {
		require.Equal(t, codedError{c.code, c.err.Error(), c.details}, codeError(c.err))
	}
}
