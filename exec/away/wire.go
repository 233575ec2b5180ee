package away

import "encoding/binary"

// writer appends numbers and texts.
type writer struct{ b []byte }

func (w *writer) num(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) str(s string) {
	w.num(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) strs(list []string) {
	w.num(uint64(len(list)))
	for _, s := range list {
		w.str(s)
	}
}

// reader takes them off again. After the first that does not fit all are empty.
type reader struct {
	s   string
	bad bool
}

func (r *reader) num() uint64 {
	n, used := uint64(0), 0
	if len(r.s) > 0 {
		n, used = binary.Uvarint([]byte(r.s[:min(len(r.s), binary.MaxVarintLen64)]))
	}
	if used <= 0 {
		r.bad, r.s = true, ""
		return 0
	}
	r.s = r.s[used:]
	return n
}

// count reads how many things follow: of none there is less than a byte.
func (r *reader) count() int {
	n := r.num()
	if n > uint64(len(r.s)) {
		r.bad, r.s = true, ""
		return 0
	}
	return int(n)
}

func (r *reader) str() string {
	n := r.count()
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *reader) strs() (list []string) {
	for range r.count() {
		list = append(list, r.str())
	}
	return list
}

func (r *reader) end() error {
	if r.bad || r.s != "" {
		return errMalformed
	}
	return nil
}
