// Package remote keeps results on another machine and takes them from there, as a
// client of the Remote Execution API, version 2 (Bazel's): capabilities, action cache,
// content-addressed storage, byte streams and execution. It knows no server but by that.
//
// # Model
//
// What is kept is a copy of what the store keeps, for the same two-phase look-up. Each
// key and each strong key is the name of an entry of the action cache: the digest of an
// Action that nobody can run, whose words are the kind of entry, the format, the machine's
// architecture, and the key. An entry names one record, and the contents that belong
// to it, so that a server that drops contents knows which entries they make useless.
//
//	sets    key        -> record: sets of looked-at paths
//	result  strong key -> record: trace; contents: what the trace left
//
// Contents are named by SHA256, or by BLAKE3 where the server has it, in which case they
// need not be hashed again. A Service puts what it gets into the store before it says
// that it has it, so that whoever asked goes on as with a result of the store.
//
// An action that is to run on another machine (cache.Away) is a farm's: it names the
// files of the tree as the server does, makes directories of them, gives what the server
// lacks, has the action run unless its result is known there, and takes what it has left
// into the store. Whether that is right is for the caller to find out.
//
// # What must hold
//
// Nothing is believed. A record is sealed and says what it is the record of; the contents
// have to hash to what the trace says; a path that leads out of the project is refused.
// Whoever may write to the cache can of course put a false result of their own making
// there, as in every such cache.
//
// A server may die, hang, be slow, be full, or talk nonsense. Then it is not asked any
// more in this build (breaker): a build loses a bounded time, and says so in one line.
// What is on its way to the server goes there in the background, and is dropped when the
// build is over and has waited a little.
package remote
