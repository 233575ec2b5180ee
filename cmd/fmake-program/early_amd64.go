package main

import _ "unsafe" // for linkname

// Where the runtime finds something in _cgo_init, it calls that on the first and only
// thread before it does anything else, as it lets a C library set itself up.

//go:linkname earlyEntry earlyEntry
var earlyEntry byte

//go:linkname _cgo_init _cgo_init
var _cgo_init = &earlyEntry
