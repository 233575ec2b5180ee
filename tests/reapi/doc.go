// Package reapi is a small server of the Remote Execution API, for tests: capabilities,
// action cache, content-addressed storage, byte streams, all in memory, and execution: commands
// run in fresh directories, as this user.
//
// # Model
//
// A server is honest unless its Quirks say otherwise. Each quirk is one that a real server
// has, or a way in which a server or a network fails. They can be changed while it runs.
package reapi
