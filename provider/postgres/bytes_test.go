package postgres

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

func TestListsOfBytesAreSentAsTheDriverWouldSendThem(t *testing.T) {
	t.Parallel()
	for name, list := range map[string][][]byte{
		"none": {}, "one": {{1}}, "empty": {{}, nil, {}}, "large": {bytes.Repeat([]byte{7}, 100_000), nil, {0}},
	} {
		want, err := pgtype.NewMap().Encode(pgtype.ByteaArrayOID, pgtype.BinaryFormatCode, list, []byte("before"))
		require.NoError(t, err, name)
		got, err := encodeBytes{}.Encode(list, []byte("before"))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}
