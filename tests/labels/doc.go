// Package labels tests the views of frun --labels under load.
//
// Many processes, half of which have a label, open one path again and again, as fast as
// they can and at the same time; none may ever meet the other version. -labels.processes
// and -labels.seconds say how many and how long.
package labels
