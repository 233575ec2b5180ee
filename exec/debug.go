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

// parseDebug adds the arguments of all --debug options to a level. bad is the word
// that it does not know.
func parseDebug(level debugLevel, words []string) (_ debugLevel, bad string) {
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

// debugf prints a line of debugging output, indented by depth. It goes out as
// it is: such a line does not make make say which directory it is in.
func (w *Walk) debugf(kind debugLevel, depth int, format string, args ...any) {
	if w.debug&kind == 0 {
		return
	}
	w.con.write(stdout, []byte(strings.Repeat(" ", depth)+sprintf(format, args...)+"\n"))
}

// about is debugf for the usual line about one file.
func (w *Walk) about(kind debugLevel, depth int, format string, f *makefile.File) {
	if w.debug&kind == 0 {
		return
	}
	w.debugf(kind, depth, format, f.Name)
}
