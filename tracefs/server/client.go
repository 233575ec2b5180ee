package server

import (
	"log"
	"net"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"

	"fmake/tracefs"
	"fmake/tracefs/wire"
)

// serve begins to work for a client.
func (p *process) serve(sock *os.File) error {
	c := &client{process: p, views: map[uint32]*view{}, ended: map[uint32]*journal{}}
	var err error
	if c.peer, err = wire.NewPeer(sock, c.serve); err != nil {
		return err
	}
	p.mu.Lock()
	p.clients++
	p.mu.Unlock()
	go func() {
		c.peer.Serve()
		c.gone()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.clients--; p.clients == 0 {
			close(p.ended)
		}
	}()
	return nil
}

// client is one make logic.
type client struct {
	process *process
	peer    *wire.Peer
	engine  *engine // set by its hello
	fifo    string  // of its jobserver, "" if none

	mu    sync.Mutex
	views map[uint32]*view    // not yet finished
	ended map[uint32]*journal // of those finished and not yet recorded by the client
}

// gone ends what the client has left unfinished.
func (c *client) gone() {
	if c.engine == nil {
		return
	}
	c.mu.Lock()
	views, ended := c.views, c.ended
	c.views, c.ended = nil, nil
	c.mu.Unlock()
	if len(ended) > 0 {
		c.engine.abandoned.Store(true)
	}
	for _, v := range views {
		c.engine.abandon(v)
	}
	var st unix.Stat_t
	if unix.Lstat(c.fifo, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO {
		_ = unix.Unlink(c.fifo)
	}
}

// serve handles one message.
func (c *client) serve(r *wire.Request) {
	defer wire.CloseFiles(r.Files)
	if r.Op == wire.OpHello {
		c.hello(r)
		return
	}
	if c.engine == nil {
		r.Fail(unix.EPROTO)
		return
	}
	handlers := map[wire.Op]func(*wire.Request) error{
		wire.OpNewView:     c.newView,
		wire.OpFinish:      c.finish,
		wire.OpHide:        c.hide,
		wire.OpOpen:        c.open,
		wire.OpStat:        c.stat,
		wire.OpReadDir:     c.readDir,
		wire.OpReadlink:    c.readlink,
		wire.OpAccess:      c.access,
		wire.OpLookPath:    c.lookPath,
		wire.OpStore:       c.storeConn,
		wire.OpSystemLooks: c.systemLooks,
		wire.OpRefresh:     c.refresh,
		wire.OpReplaceTail: c.replaceTail,
		wire.OpWriting:     c.writing,
		wire.OpRecorded:    c.recorded,
		wire.OpBeginPart:   c.beginPart,
		wire.OpEndPart:     c.endPart,
		wire.OpLooks:       c.looks,
		wire.OpShells:      c.shells,
		wire.OpListed:      c.listed,
	}
	h := handlers[r.Op]
	if h == nil {
		r.Fail(unix.ENOSYS)
		return
	}
	go func() {
		if err := h(r); err != nil {
			r.Fail(err)
		}
	}()
}

func (c *client) hello(r *wire.Request) {
	var m wire.Hello
	if err := r.Decode(&m); err != nil {
		r.Fail(err)
		return
	}
	e, err := c.process.start(m)
	if err != nil {
		r.Fail(err)
		return
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		r.Fail(err)
		return
	}
	defer theirs.Close()
	_, err = e.spawner.Call(wire.OpAddClient, nil, nil, ours)
	ours.Close()
	if err != nil {
		r.Fail(err)
		return
	}
	c.engine, c.fifo = e, m.Fifo
	if m.Large {
		go c.tellLarge()
	}
	r.Reply(&wire.Welcome{Name: c.process.name, Passthrough: e.pass.Load(), Journals: e.preimages.dir}, theirs)
}

// tellLarge hands on what is announced, until the client has gone.
func (c *client) tellLarge() {
	for {
		select {
		case path := <-c.engine.large:
			_ = c.peer.Notify(wire.OpLarge, &wire.Text{S: path})
		case <-c.peer.Done():
			return
		}
	}
}

func (c *client) newView(r *wire.Request) error {
	var m wire.NewView
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.engine.newView(&m)
	if err != nil {
		return err
	}
	if v.labels != nil {
		v.labels.tellTo(func(text string) { _ = c.peer.Notify(wire.OpSaid, &wire.Text{S: text}) })
	}
	c.mu.Lock()
	gone := c.views == nil
	if !gone {
		c.views[v.id] = v
	}
	c.mu.Unlock()
	if gone {
		c.engine.abandon(v)
		return wire.ErrGone
	}
	r.Reply(&wire.Ref{View: v.id})
	return nil
}

// view returns an unfinished view of this client.
func (c *client) view(id uint32) (*view, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.views[id]
	if v == nil {
		return nil, unix.ESTALE
	}
	return v, nil
}

func (c *client) finish(r *wire.Request) error {
	var m wire.Ref
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	c.mu.Lock()
	delete(c.views, m.View) // else gone ends it, too
	c.mu.Unlock()
	rec := c.engine.finish(v)
	if v.labels != nil {
		v.labels.told.Wait() // so that the answer is the last that is heard of it
	}
	c.keep(v)
	r.Reply(rec)
	return nil
}

// keep notes the journal of a view that was finished, for as long as its client has
// not recorded what the action did.
func (c *client) keep(v *view) {
	if !v.journal.used() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil { // the client has gone meanwhile
		c.engine.abandoned.Store(true)
		return
	}
	c.ended[v.id] = v.journal
}

// recorded ends the journal of a view whose changes its client can undo from now on.
func (c *client) recorded(r *wire.Request) error {
	var m wire.Ref
	if err := r.Decode(&m); err != nil {
		return err
	}
	c.mu.Lock()
	j := c.ended[m.View]
	delete(c.ended, m.View)
	c.mu.Unlock()
	if j != nil {
		j.close()
	}
	return nil
}

func (c *client) hide(r *wire.Request) error {
	var m wire.Hide
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	v.hide(m.Paths)
	for _, p := range m.Paths {
		v.sb.changedOutside(p)
	}
	r.Reply(nil)
	return nil
}

// query decodes a question about one path.
func (c *client) query(r *wire.Request) (*view, wire.PathQuery, error) {
	var m wire.PathQuery
	if err := r.Decode(&m); err != nil {
		return nil, m, err
	}
	v, err := c.view(m.View)
	return v, m, err
}

func (c *client) open(r *wire.Request) error {
	v, m, err := c.query(r)
	if err != nil {
		return err
	}
	f, err := v.open(m.Path, m.Flags, m.Mode)
	if err != nil {
		return err
	}
	r.Reply(nil, f)
	return f.Close()
}

func (c *client) stat(r *wire.Request) error {
	v, m, err := c.query(r)
	if err != nil {
		return err
	}
	st, err := v.stat(m.Path, m.Flags&unix.AT_SYMLINK_NOFOLLOW == 0)
	if err != nil {
		return err
	}
	stat := unsafe.Slice((*byte)(unsafe.Pointer(&st)), unsafe.Sizeof(st))
	r.Reply(&wire.Text{S: string(stat)})
	return nil
}

func (c *client) readDir(r *wire.Request) error {
	v, m, err := c.query(r)
	if err != nil {
		return err
	}
	names, err := v.readDir(m.Path)
	if err != nil {
		return err
	}
	r.Reply(&wire.Texts{S: names})
	return nil
}

func (c *client) listed(r *wire.Request) error {
	var m wire.Listed
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	v.listed(m.Path, m.Names)
	r.Reply(nil)
	return nil
}

func (c *client) readlink(r *wire.Request) error {
	v, m, err := c.query(r)
	if err != nil {
		return err
	}
	text, err := v.readlink(m.Path)
	if err != nil {
		return err
	}
	r.Reply(&wire.Text{S: text})
	return nil
}

func (c *client) access(r *wire.Request) error {
	v, m, err := c.query(r)
	if err != nil {
		return err
	}
	if err := v.access(m.Path, m.Mode); err != nil {
		return err
	}
	r.Reply(nil)
	return nil
}

func (c *client) lookPath(r *wire.Request) error {
	var m wire.LookPath
	if err := r.Decode(&m); err != nil {
		return err
	}
	v, err := c.view(m.View)
	if err != nil {
		return err
	}
	found, err := v.lookPath(m.Name, m.List, m.Dir)
	if err != nil {
		return err
	}
	r.Reply(&wire.Text{S: found})
	return nil
}

// storeConn opens a connection to the store, which lives in this process too.
func (c *client) storeConn(r *wire.Request) error {
	store, err := c.process.theStore(c.engine.config)
	if err != nil {
		return err
	}
	ours, theirs, err := wire.Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return err
	}
	go func() {
		if err := store.Serve(conn); err != nil {
			log.Println("serve store:", err)
		}
	}()
	r.Reply(nil, theirs)
	return nil
}

func (c *client) systemLooks(r *wire.Request) error {
	r.Reply(&tracefs.Record{Looks: c.engine.systemLooks()})
	return nil
}

func (c *client) replaceTail(r *wire.Request) error {
	var m wire.ReplaceTail
	if err := r.Decode(&m); err != nil {
		return err
	}
	if err := c.engine.writers.replaceTail(m.Path, m.Mode, []byte(m.Data), m.At); err != nil {
		return err
	}
	r.Reply(nil)
	return nil
}

func (c *client) writing(r *wire.Request) error {
	var m wire.Text
	if err := r.Decode(&m); err != nil {
		return err
	}
	r.Reply(&wire.Text{S: c.engine.writers.writer(m.S)})
	return nil
}

func (c *client) refresh(r *wire.Request) error {
	c.engine.refresh()
	r.Reply(nil)
	return nil
}
