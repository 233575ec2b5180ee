package store

import (
	"fmake/cache"
	"fmake/cache/internal/proto"
)

// mostSimilar bounds how many traces similar answers with.
const mostSimilar = 16

// similar finds the traces that a look-up in vain might have hoped for: of the same
// key, else of the same target. There is no index for that, because nothing but
// --explain-miss asks.
func (d *db) similar(payload []byte) ([]byte, error) {
	if len(payload) < proto.HashLen {
		return nil, errRefused
	}
	var wanted cache.Hash
	copy(wanted[:], payload)
	target, rest, ok := proto.CutBytes(payload[proto.HashLen:])
	dir, _, ok2 := proto.CutBytes(rest)
	if !ok || !ok2 {
		return nil, errRefused
	}
	var same, others [][]byte
	for _, value := range d.records(kindTrace) {
		t, err := cache.DecodeTrace(value)
		if err != nil {
			continue
		}
		switch {
		case t.FullKey == wanted && len(same) < mostSimilar:
			same = append(same, append([]byte(nil), value...))
		case t.Target == string(target) && t.Dir == string(dir) && len(others) < mostSimilar:
			others = append(others, append([]byte(nil), value...))
		}
	}
	if len(same) == 0 {
		same = others
	}
	if len(same) == 0 {
		return nil, errMissing
	}
	var answer []byte
	for _, trace := range same {
		answer = proto.AppendBytes(answer, trace)
	}
	return answer, nil
}
