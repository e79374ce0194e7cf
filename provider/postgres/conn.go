package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// statement names one SQL text of this package. In the text, "S." stands for the quoted schema.
type statement int

// templates has the text of every statement, filled while the package is initialised.
var templates []string

func define(text string) statement {
	templates = append(templates, text)
	return statement(len(templates) - 1)
}

// inSchema puts the schema into a text.
func inSchema(text, schema string) string {
	quoted := pgx.Identifier{schema}.Sanitize()
	// Inside a string literal the quotes of the identifier stay, its apostrophes are doubled.
	text = strings.ReplaceAll(text, "'S.", "'"+strings.ReplaceAll(quoted, "'", "''")+".")
	return strings.ReplaceAll(text, "S.", quoted+".")
}

func rendered(schema string) []string {
	texts := make([]string, len(templates))
	for n, text := range templates {
		texts[n] = inSchema(text, schema)
	}
	return texts
}

// pipeline collects statements that are sent together: one round trip.
type pipeline struct {
	store *Store
	batch pgx.Batch
}

func (s *Store) pipeline() *pipeline { return &pipeline{store: s} }

// exec adds a statement without rows.
func (p *pipeline) exec(st statement, args ...any) {
	p.batch.Queue(p.store.texts[st], args...)
}

// each adds a query and calls scan for every row of it.
func (p *pipeline) each(st statement, scan func(r pgx.Rows) error, args ...any) {
	p.batch.Queue(p.store.texts[st], args...).Query(func(r pgx.Rows) error {
		for r.Next() {
			if err := scan(r); err != nil {
				return err
			}
		}
		return r.Err()
	})
}

// Ids, epochs and event ids stay far below the sign bit, and a value above it would come back
// unchanged all the same.

func signed[T ~uint64](v T) int64 { return int64(v) }

func unsigned(v int64) uint64 { return uint64(v) } //nolint:gosec // see above

// blob binds text as bytes: payloads are opaque and may hold what SQL text cannot.
func blob(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return []byte(text)
}

func optionalBlob(text *string) []byte {
	if text == nil {
		return nil
	}
	return blob(*text)
}

func optionalText(b []byte) *string {
	if b == nil {
		return nil
	}
	text := string(b)
	return &text
}
