// Package remote tests the remote cache below whole programs: a store, what speaks for it
// to a server, and a server of package reapi, all in one process.
package remote
