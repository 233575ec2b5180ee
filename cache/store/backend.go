package store

import (
	"fmt"
	"net"
	"os"
	"strings"

	"fmake/cache"
	"fmake/cache/internal/proto"
)

// holder is the backend of the process that has the database open.
type holder struct {
	store    *Store
	db       *db
	lock     *os.File          // nil when the folder cannot be written
	listener *net.UnixListener // nil likewise
}

// outcome is what an operation returned.
type outcome struct {
	answer []byte
	err    error
}

// call runs one operation of the database. When the database freezes, the
// operation may never return (see silent), so nobody waits for it any more.
func (h *holder) call(op proto.Op, payload []byte) (proto.Status, []byte, error) {
	run := h.store.ops[op]
	if run == nil {
		status, text := failure(errRefused)
		return status, text, nil
	}
	done := make(chan outcome, 1)
	if h.db.shield.failure() == nil {
		go func() {
			answer, err := run(h.db, payload)
			done <- outcome{answer, err}
		}()
	}
	var o outcome
	select {
	case o = <-done:
	case <-h.db.shield.frozen:
	}
	if cause := h.db.shield.failure(); cause != nil {
		o.err = fmt.Errorf("%w: %w", errBroken, cause) // what was "written" may not be
	}
	if o.err != nil {
		status, text := failure(o.err)
		return status, text, nil
	}
	return proto.OK, o.answer, nil
}

// close lets go of the database, so that another process can have it.
func (h *holder) close() {
	if h.listener != nil {
		h.listener.Close()
	}
	if h.db.shield.failure() == nil {
		h.db.close()
	}
	if h.lock != nil {
		h.lock.Close()
	}
}

// accept serves the other engines.
func (h *holder) accept() {
	for {
		c, err := h.listener.AcceptUnix()
		if err != nil {
			return
		}
		if checkPeer(c) != nil {
			c.Close()
			continue
		}
		go h.store.serve(c, false)
	}
}

// remote is the backend of a process that is not the holder.
type remote struct{ client *cache.Client }

func newRemote(c net.Conn) *remote { return &remote{cache.NewClient(c)} }

// call passes a call on as it is.
func (r *remote) call(op proto.Op, payload []byte) (proto.Status, []byte, error) {
	limit := callPatience
	switch op {
	case proto.Sync:
		limit = syncPatience
	case proto.Stats, proto.Verify, proto.Collect:
		limit = 0
	}
	status, answer, err := r.client.Call(byte(op), payload, limit)
	if err == nil {
		return proto.Status(status), answer, nil
	}
	if strings.Contains(err.Error(), "no answer") {
		return 0, nil, err
	}
	return 0, nil, errGone
}

func (r *remote) close() { r.client.Close() }
