package tracefs

import "fmake/tracefs/wire"

// Fields implements wire.Message.
func (r *Record) Fields(c *wire.Codec) {
	wire.List(c, &r.Looks, look)
	wire.List(c, &r.Writes, ended)
	c.Strings(&r.Through)
	wire.List(c, &r.Within, listed)
	wire.List(c, &r.Procs, process)
	c.Strings(&r.Sockets)
	c.Strings(&r.Setuid)
	c.Strings(&r.Meddled)
	wire.List(c, &r.Contended, contention)
	c.Bool(&r.Leftover)
}

func look(c *wire.Codec, l *Look) {
	c.String(&l.Path)
	flags := uint32(l.Flags)
	c.Uint32(&flags)
	l.Flags = LookFlags(flags)
	stat(c, &l.Stat)
	c.String(&l.Link)
	c.Strings(&l.Names)
	c.Int32(&l.Proc)
}

func listed(c *wire.Codec, l *Listed) {
	c.String(&l.Path)
	c.Strings(&l.Names)
}

func write(c *wire.Codec, w *Write) {
	c.String(&w.Path)
	c.Bool(&w.Before.Exists)
	stat(c, &w.Before.Stat)
	c.String(&w.Before.Link)
	c.String(&w.Before.Saved)
	c.Bool(&w.Before.Lost)
	c.Int32(&w.Proc)
	c.Bool(&w.Append)
	c.Bool(&w.Truncated)
}

// ended is a write together with what came of it, which a journal cannot know.
func ended(c *wire.Codec, w *Write) {
	write(c, w)
	stat(c, &w.After)
	c.String(&w.Segment)
}

func contention(c *wire.Codec, x *Contention) {
	c.String(&x.Path)
	c.String(&x.By)
	c.Bool(&x.Existed)
}

func stat(c *wire.Codec, s *Stat) {
	c.Uint(&s.Dev)
	c.Uint(&s.Ino)
	c.Uint32(&s.Mode)
	c.Uint32(&s.UID)
	c.Uint32(&s.GID)
	c.Uint32(&s.Nlink)
	c.Int(&s.Size)
	c.Int(&s.Mtime)
	c.Int(&s.Ctime)
}

func process(c *wire.Codec, p *Proc) {
	c.Int32(&p.Pid)
	c.Uint(&p.Start)
	c.Int32(&p.Parent)
	c.Strings(&p.Argv)
	c.String(&p.Dir)
	c.String(&p.Exe)
	c.Strings(&p.Env)
	c.Strings(&p.Reads)
	c.Strings(&p.Writes)
	c.String(&p.Stdin)
	c.Bool(&p.Unseen)
}
