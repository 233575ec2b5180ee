// Package spawn is the spawner: the process that starts the commands of recipes
// inside views.
//
// # Model
//
// The spawner lives in a mount namespace of its own. There it keeps one private
// tmpfs, on which each view that the server hands over gets a directory; the
// native trees (/proc, /sys, /dev, /run) and the shared system mount are bound
// into it. A command is forked, changes its root to that directory, and
// executes. So the server never has a path that leads into its own mounts, and
// the spawner never holds a descriptor of /dev/fuse: when the server dies, the
// kernel breaks every view at once and nothing can hang.
//
// The spawner adopts what the commands leave behind (it is a child subreaper),
// which is how it knows whether a view is still lived in. It kills when the
// server tells it to, or when the server has gone. When it exits itself, what
// lives on in a view keeps the mount namespace, and with it the view's mounts;
// the last of them to end takes all that away.
package spawn
