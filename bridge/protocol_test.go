package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func fileText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// tableOf gives the rows of the table in a section of docs/protocol.md.
func tableOf(t *testing.T, section string) (rows [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(fileText(t, "../docs/protocol.md"), "\n## "+section+"\n")
	require.True(t, found, section)
	rest, _, _ = strings.Cut(rest, "\n## ")
	for line := range strings.SplitSeq(rest, "\n") {
		if strings.HasPrefix(line, "| ") {
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			for i, cell := range cells {
				cells[i] = strings.Trim(cell, " |")
			}
			rows = append(rows, cells)
		}
	}
	require.Greater(t, len(rows), 1, section)
	return rows[1:]
}

// numbersIn gives named numbers of a source: two groups, the name and the number.
func numbersIn(t *testing.T, path, pattern string) map[string]int {
	t.Helper()
	numbers := map[string]int{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(fileText(t, path), -1) {
		number, err := strconv.Atoi(match[2])
		require.NoError(t, err)
		numbers[lowerFirst(match[1])] = number
	}
	require.NotEmpty(t, numbers, path)
	return numbers
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func TestTheKindsOfRecordsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	ours := numbersIn(t, "message.go", `(?m)^\tkind(\w+) +uint16 = (\d+)`)
	list := regexp.MustCompile(`(?s)const KIND = Object\.freeze\(\{(.*?)\}\)`).
		FindStringSubmatch(fileText(t, "../lib/messages.js"))
	require.NotNil(t, list)
	theirs := map[string]int{}
	for _, match := range regexp.MustCompile(`(\w+): (\d+)`).FindAllStringSubmatch(list[1], -1) {
		theirs[match[1]], _ = strconv.Atoi(match[2])
	}
	require.Equal(t, ours, theirs)
	documented := map[string]int{}
	for _, row := range tableOf(t, "Records") {
		number, name, _ := strings.Cut(row[0], " ")
		documented[name], _ = strconv.Atoi(number)
	}
	require.Equal(t, ours, documented)
}

func TestTheFlagsOfRecordsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	flags := numbersIn(t, "message.go", `(?m)^\tflag(\w+) +uint16 = (\d+)`)
	mirrored := map[string]int{}
	for name, number := range numbersIn(t, "../lib/messages.js", `(?m)^const FLAG_(\w+) = (\d+);$`) {
		mirrored[plain(name)] = number
	}
	documented := map[string]int{}
	for _, row := range tableOf(t, "Records") {
		for _, match := range regexp.MustCompile(`(\d+): ([a-z]+(?: [a-z]+)*)`).FindAllStringSubmatch(row[3], -1) {
			documented[plain(match[2])], _ = strconv.Atoi(match[1])
		}
	}
	ours := map[string]int{}
	for name, number := range flags {
		ours[plain(name)] = number
	}
	require.Equal(t, ours, mirrored)
	require.Equal(t, ours, documented)
}

// plain is a name without what differs between the languages.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", " ", "").Replace(name))
}

func TestTheRequestsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	var documented []string
	for _, row := range tableOf(t, "Requests") {
		documented = append(documented, strings.Split(row[0], ", ")...)
	}
	slices.Sort(documented)
	require.Equal(t, slices.Sorted(maps.Keys(requests)), documented)
}

func TestTheSynchronousCallsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	list := regexp.MustCompile(`const CALL = Object\.freeze\(\{([^}]*?),?\s*\}\)`).
		FindStringSubmatch(fileText(t, "../lib/channel.js"))
	require.NotNil(t, list)
	var documented []string
	for _, row := range tableOf(t, "Synchronous calls") {
		documented = append(documented, row[1]+": "+row[0])
	}
	require.Equal(t, strings.Join(strings.Fields(list[1]), " "), strings.Join(documented, ", "))
	ours := numbersIn(t, "call.go", `(?m)^\tcall(\w+) +uint32 = (\d+)`)
	for name, number := range ours {
		require.Contains(t, documented, name+": "+strconv.Itoa(number))
	}
	require.Len(t, ours, len(documented))
}
