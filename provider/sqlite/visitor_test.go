package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The variables that make the test program a visitor: another process that opens a file, asks it
// something, and closes it again.
const (
	visitFile  = "DUROXIDE_TEST_VISIT"
	visitQuery = "DUROXIDE_TEST_QUERY"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(visitFile); path != "" {
		if err := visit(path, os.Getenv(visitQuery)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func visit(path, query string) error {
	db, err := sql.Open("sqlite", path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	var found string
	if err := db.QueryRowContext(context.Background(), query).Scan(&found); err != nil {
		return err
	}
	fmt.Println(found) //nolint:forbidigo // this is what a process has to say
	return db.Close()
}

// asked lets another process open a file, and gives the first value that its query finds there.
func asked(t *testing.T, path, query string) string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	visitor := exec.CommandContext(t.Context(), program)
	visitor.Env = append(os.Environ(), visitFile+"="+path, visitQuery+"="+query)
	var errors strings.Builder
	visitor.Stderr = &errors
	said, err := visitor.Output()
	require.NoError(t, err, errors.String())
	return strings.TrimSpace(string(said))
}
