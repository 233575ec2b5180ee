package reapi

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Quirks are what a server does otherwise than an honest one.
type Quirks struct {
	BLAKE3    bool // knows BLAKE3, too
	Zstd      bool // takes and gives compressed streams
	Inline    bool // sends the files of results along
	NoCaps    bool // does not know its capabilities
	ReadOnly  bool // lets nobody write to the action cache
	Checks    bool // has no result of which a content is gone
	SmallCAS  bool // knows no content above 1 MB
	Hang      bool // never answers
	HangReads bool // never answers when asked for contents
	Slow      bool // 10 KB a second
	Full      bool // takes no content
	Closed    bool // lets nobody in
	Breaks    bool // every stream breaks off once
	Forgets   bool // has lost all contents
	Garbage   bool // every answer is nonsense
	Lies      bool // contents are not what their names say
	Swaps     bool // every result is that of another action
	NoExec    bool // runs nothing
	Mute      bool // says nothing of an action before it has ended
	Stuck     bool // no action ends
	Fails     bool // no action can be run
	TooLate   bool // every action takes longer than it may
	Sick      bool // every command fails
	Extra     bool // every result has a file more, with a path that leads away
	Drops     bool // has dropped all contents when the first action is to run
	Long      bool // error messages are long and not clean
}

func (q *Quirks) named() map[string]*bool {
	return map[string]*bool{
		"blake3": &q.BLAKE3, "zstd": &q.Zstd, "inline": &q.Inline, "nocaps": &q.NoCaps, "readonly": &q.ReadOnly,
		"checks": &q.Checks, "smallcas": &q.SmallCAS, "hang": &q.Hang, "hangreads": &q.HangReads, "slow": &q.Slow,
		"full": &q.Full, "closed": &q.Closed, "breaks": &q.Breaks, "forgets": &q.Forgets, "garbage": &q.Garbage,
		"noexec": &q.NoExec, "mute": &q.Mute, "stuck": &q.Stuck, "fails": &q.Fails, "toolate": &q.TooLate, "sick": &q.Sick, "extra": &q.Extra, "drops": &q.Drops,
		"lies": &q.Lies, "swaps": &q.Swaps, "long": &q.Long,
	}
}

// ParseQuirks reads the names of quirks.
func ParseQuirks(words []string) (Quirks, error) {
	var q Quirks
	for _, w := range words {
		p := q.named()[w]
		if p == nil {
			return q, fmt.Errorf("unknown quirk %q; there are %s", w, strings.Join(slices.Sorted(maps.Keys(q.named())), ", "))
		}
		*p = true
	}
	return q, nil
}
