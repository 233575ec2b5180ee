package exec

import (
	"strings"

	"fmake/exec/flags"
	"fmake/makefile"
)

// debugLevel is the set of kinds of debugging output that are wanted.
type debugLevel uint16

// The kinds that --debug chooses from.
const (
	debugBasic debugLevel = 1 << iota
	debugVerbose
	debugJobs
	debugImplicit
	debugPrint
	debugWhy
	debugMakefiles
	debugAll debugLevel = 1<<iota - 1
)

const checkSymlinks = flags.CheckSymlinks

// debugLetters maps the first letters of --debug's words. Letters that are not
// in it are errors; n clears what came before.
var debugLetters = map[byte]debugLevel{
	'a': debugAll,
	'b': debugBasic,
	'i': debugBasic | debugImplicit,
	'j': debugJobs,
	'm': debugBasic | debugMakefiles,
	'p': debugPrint,
	'v': debugBasic | debugVerbose,
	'w': debugWhy,
}

// parseDebug reads the arguments of all --debug options. bad is the word it does
// not know.
func parseDebug(words []string) (level debugLevel, bad string) {
	for _, word := range words {
		rest := word
		for rest != "" {
			letter := rest[0]
			switch l, ok := debugLetters[letter|0x20]; {
			case ok:
				level |= l
			case letter|0x20 == 'n':
				level = 0
			default:
				return level, rest
			}
			_, rest, _ = strings.Cut(rest, ",")
		}
	}
	return level, ""
}

// debugging tells whether any of the kinds is wanted.
func (w *Walk) debugging(kinds debugLevel) bool { return w.debug&kinds != 0 }

// debugf prints a line of debugging output, indented by depth.
func (w *Walk) debugf(kind debugLevel, depth int, format string, args ...any) {
	if w.debug&kind == 0 {
		return
	}
	w.con.begin()
	w.con.write(stdout, []byte(strings.Repeat(" ", depth)+sprintf(format, args...)+"\n"))
}

// about is debugf for the usual line about one file.
func (w *Walk) about(kind debugLevel, depth int, format string, f *makefile.File) {
	if w.debug&kind == 0 {
		return
	}
	w.debugf(kind, depth, format, f.Name)
}
