package wire

// Label says what some paths are in a view for the processes of one application.
type Label struct {
	Name    string
	Apps    []string // whoever opens or executes one of these files, or one below, takes the label
	Entries []LabelEntry
}

// LabelEntry is what is at one path for them.
type LabelEntry struct {
	Path     string
	Mode     uint32 // with the type; 0 if there is nothing
	UID, GID uint32
	Size     int64
	Mtime    int64  // nanoseconds
	Text     string // of a link
	Content  string // the path of a file with the content
}

// Fields writes or reads a label as a part of a message.
func (l *Label) Fields(c *Codec) {
	c.String(&l.Name)
	c.Strings(&l.Apps)
	List(c, &l.Entries, func(c *Codec, e *LabelEntry) { e.Fields(c) })
}

// Fields writes or reads an entry.
func (e *LabelEntry) Fields(c *Codec) {
	c.String(&e.Path)
	c.Uint32(&e.Mode)
	c.Uint32(&e.UID)
	c.Uint32(&e.GID)
	c.Int(&e.Size)
	c.Int(&e.Mtime)
	c.String(&e.Text)
	c.String(&e.Content)
}
