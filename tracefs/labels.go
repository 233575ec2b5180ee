package tracefs

import "fmake/tracefs/wire"

// Label says what some paths are in a view for the processes of one application.
type Label = wire.Label

// LabelEntry is what is at one path for them.
type LabelEntry = wire.LabelEntry

// WholeView is a Config.System for an engine whose views show system trees themselves, as
// all else, so that processes in one view can see different things there. Such views are
// for labels: nothing is recorded in them.
const WholeView = "view"
