package store

import (
	"errors"
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

// call runs one operation of the database. Pebble ends the goroutine that it
// meets a fatal error in (see silent), so the operation has one of its own.
func (h *holder) call(op proto.Op, payload []byte) (status proto.Status, answer []byte, _ error) {
	if err := h.db.shield.failure(); err != nil {
		status, answer = failure(errors.Join(errBroken, err))
		return status, answer, nil
	}
	run := h.store.ops[op]
	if run == nil {
		status, answer = failure(errRefused)
		return status, answer, nil
	}
	err := errBroken
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = run(h.db, payload)
	}()
	<-done
	if frozen := h.db.shield.failure(); err == nil && frozen != nil {
		err = errors.Join(errBroken, frozen) // what was "written" is not
	}
	if err != nil {
		status, answer = failure(err)
	}
	return status, answer, nil
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
	if op == proto.Sync || op == proto.Verify || op == proto.Collect || op == proto.Stats {
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
