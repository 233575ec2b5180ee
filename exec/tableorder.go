package exec

import "fmake/makefile"

// sortLikeTable puts list in the order in which GNU make's table of files would
// list it.
func sortLikeTable(list, all []*makefile.File) {}
