package store

import (
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

// call runs one operation of the database.
func (h *holder) call(op proto.Op, payload []byte) (proto.Status, []byte, error) {
	run := h.store.ops[op]
	if run == nil {
		status, text := failure(errRefused)
		return status, text, nil
	}
	// The answer goes through a channel, not a shared variable: an operation of
	// a frozen database may still be running when guard returns.
	answer := make(chan []byte, 1)
	err := h.db.guard(func() error {
		a, err := run(h.db, payload)
		answer <- a
		return err
	})
	if err != nil {
		status, text := failure(err)
		return status, text, nil
	}
	return proto.OK, <-answer, nil
}

// close lets go of the database, so that another process can have it.
func (h *holder) close() {
	if h.listener != nil {
		h.listener.Close()
	}
	h.db.close()
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
		go h.store.serve(c, &session{store: h.store, conn: c})
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
