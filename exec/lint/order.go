package lint

import (
	"slices"
	"strconv"

	"fmake/exec/story"
)

// orders are what this make's recipes that have started others have waited for, of the
// files that recipes write.
func (l *linter) orders() []Order {
	var out []Order
	for _, f := range l.Targets {
		first, end, ok := l.Known.Below(f)
		if !ok {
			continue
		}
		o := Order{Level: l.Place.Level, First: first, End: end}
		r := l.reachOf(f)
		for _, key := range sortedKeys(l.writers) {
			if r.ordered[key] || slices.ContainsFunc(l.writers[key], func(w *subject) bool { return l.before(r, w) }) {
				o.Keys = append(o.Keys, key)
			}
		}
		if len(o.Keys) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// settles tells whether a hazard of a make below is none: what is read was made when that
// make began.
func (o *Order) settles(f *Finding) bool {
	p := f.Place
	if f.Kind != Hazard || p.Level <= o.Level || p.Serial < o.First || p.Serial >= o.End {
		return false
	}
	_, found := slices.BinarySearch(o.Keys, f.Key)
	return found
}

// orderRecord is the first word of an order's record.
const orderRecord = "lint-order"

// Record gives an order to the make at the top.
func (o *Order) Record() story.Record {
	r := story.Record{orderRecord, strconv.Itoa(o.Level), strconv.FormatUint(o.First, 10), strconv.FormatUint(o.End, 10)}
	return append(r, o.Keys...)
}

// ordersOf takes the orders out of what all makes have told.
func ordersOf(records []story.Record) []Order {
	var out []Order
	for _, r := range records {
		if len(r) < 4 || r[0] != orderRecord {
			continue
		}
		o := Order{Keys: slices.Sorted(slices.Values(r[4:]))}
		o.Level, _ = strconv.Atoi(r[1])
		o.First, _ = strconv.ParseUint(r[2], 10, 64)
		o.End, _ = strconv.ParseUint(r[3], 10, 64)
		out = append(out, o)
	}
	return out
}
