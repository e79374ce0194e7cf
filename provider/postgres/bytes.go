package postgres

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// teachBytes makes a connection encode lists of bytes, which hold all large values, in memory of their size.
// The driver's own way appends value by value, so that growing copies what is there five times.
func teachBytes(c *pgx.Conn) {
	types := c.TypeMap()
	own, ok := types.TypeForOID(pgtype.ByteaArrayOID)
	if !ok {
		return
	}
	types.RegisterType(&pgtype.Type{Name: own.Name, OID: own.OID, Codec: bytesCodec{own.Codec}})
}

// bytesCodec is the driver's codec but for lists of bytes that are sent.
type bytesCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c bytesCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.([][]byte); ok && format == pgtype.BinaryFormatCode {
		return encodeBytes{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

// encodeBytes writes a list of bytes in the binary format of arrays: the number of dimensions, whether
// there are nulls, the type of the elements; of the one dimension its length and first index; and each
// element after its length, which is -1 for null.
type encodeBytes struct{}

// Encode implements pgtype.EncodePlan.
func (encodeBytes) Encode(value any, buf []byte) ([]byte, error) {
	const header, dimension, length = 12, 8, 4
	all, ok := value.([][]byte)
	if !ok {
		return nil, fmt.Errorf("a %T is no list of bytes", value)
	}
	if all == nil {
		return nil, nil
	}
	size, nulls := header+dimension+length*len(all), uint32(0)
	for _, b := range all {
		size += len(b)
		if b == nil {
			nulls = 1
		}
	}
	buf = slices.Grow(buf, size)
	buf = binary.BigEndian.AppendUint32(buf, 1)
	buf = binary.BigEndian.AppendUint32(buf, nulls)
	buf = binary.BigEndian.AppendUint32(buf, pgtype.ByteaOID)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(all))) //nolint:gosec // bounded by what a group has
	buf = binary.BigEndian.AppendUint32(buf, 1)
	for _, b := range all {
		if b == nil {
			buf = binary.BigEndian.AppendUint32(buf, 1<<32-1)
			continue
		}
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(b))) //nolint:gosec // bounded by what a field holds
		buf = append(buf, b...)
	}
	return buf, nil
}
