package makefile

import "strings"

// SeqFlags modify ParseNames.
type SeqFlags uint8

// The flags of ParseNames.
const (
	SeqNoStrip SeqFlags = 1 << iota // keep leading ./
	SeqNoAr                         // lib(member) is nothing special
	SeqNoGlob                       // take names as they are
	SeqExists                       // only names that exist
	seqWait                         // .WAIT is no name but marks the next one
)

// ParseNames splits text into file names as in a rule: backslashes quote white
// space, ./ is cut off, ~ and wildcards are expanded, lib(a b) means lib(a)
// lib(b).
func (db *Database) ParseNames(text string, flags SeqFlags) []string {
	var names []string
	seq := nameSeq{db: db, text: text, flags: flags}
	for {
		name, ok := seq.next()
		if !ok {
			return names
		}
		names = append(names, name)
	}
}

// nameSeq iterates over the names in a text.
type nameSeq struct {
	db    *Database
	text  string
	flags SeqFlags
	stop  string // bytes at which the sequence ends, besides the end of text

	waits   bool     // under seqWait: a .WAIT stood before the name that comes next
	archive string   // "lib(" while within a group of members
	queue   []string // what the latest name was expanded to
}

// next returns the next name.
func (q *nameSeq) next() (name string, ok bool) {
	for {
		if len(q.queue) > 0 {
			name, q.queue = q.queue[0], q.queue[1:]
			return name, true
		}
		word, ok := q.word()
		if !ok {
			return "", false
		}
		if q.flags&seqWait != 0 && word == ".WAIT" {
			q.waits = true
			continue
		}
		if word = q.stripped(word); q.flags&SeqNoAr == 0 && (q.archive != "" || strings.IndexByte(word, '(') > 0) {
			if word = q.member(word); word == "" {
				continue
			}
		}
		if q.flags&SeqNoGlob != 0 || q.flags&SeqExists == 0 && !strings.ContainsAny(word, "~?*[") {
			return word, true
		}
		q.queue = q.db.globName(word, q.flags)
	}
}

// word cuts off the next word, its backslashes before white space removed.
func (q *nameSeq) word() (word string, ok bool) {
	s := skipSpace(q.text)
	if s == "" || strings.IndexByte(q.stop, s[0]) >= 0 {
		q.text = s
		return "", false
	}
	end := q.wordEnd(s)
	if end < len(s) && end > 0 && s[end-1] == '\\' {
		var at int
		if s, at = findUnquoted(s, " \t"+q.stop); at >= 0 {
			end = at
		} else {
			end = len(s)
		}
	}
	word, q.text = s[:end], s[end:]
	return word, true
}

// wordEnd is where the word ends that s begins with, whatever is quoted.
func (q *nameSeq) wordEnd(s string) int {
	end := 0
	for end < len(s) && !isBlank(s[end]) && // a newline, which a variable may bring, is no end
		(q.stop == "" || strings.IndexByte(q.stop, s[end]) < 0) {
		end++
	}
	return end
}

// stripped cuts ./ off a word, unless it is to be kept.
func (q *nameSeq) stripped(word string) string {
	if q.flags&SeqNoStrip != 0 {
		return word
	}
	for len(word) > 2 && word[0] == '.' && word[1] == '/' {
		word = strings.TrimLeft(word[2:], "/")
	}
	if word == "" {
		word = "./"
	}
	return word
}

// waited says whether a .WAIT stood before the name that next returned, the first
// one if a wildcard yielded several.
func (q *nameSeq) waited() bool {
	w := q.waits
	q.waits = false
	return w
}

// member handles the words of an archive group: it returns the reference to
// one member, "" for a word that is only a bracket.
func (q *nameSeq) member(word string) string {
	if q.archive == "" && word[0] != '(' && word[len(word)-1] != ')' {
		open := strings.IndexByte(word, '(')
		if open < 0 || !q.groupCloses() {
			return word
		}
		q.archive, word = word[:open+1], word[open+1:]
		if word == "" {
			return ""
		}
	}
	if q.archive == "" {
		return word
	}
	archive := q.archive
	if word[len(word)-1] != ')' {
		return archive + word + ")"
	}
	q.archive = ""
	if word == ")" {
		return ""
	}
	return archive + word
}

// groupCloses says whether some word that follows ends in a parenthesis.
func (q *nameSeq) groupCloses() bool {
	for rest := q.text; ; {
		rest = skipSpace(rest)
		end := q.wordEnd(rest)
		if end == 0 {
			return false
		}
		if rest[end-1] == ')' {
			return true
		}
		rest = rest[end:]
	}
}

// globName expands ~ and wildcards in one name; a name that matches nothing
// stays, unless only existing ones are wanted.
func (db *Database) globName(name string, flags SeqFlags) []string {
	name = db.Tilde(name)
	member := ""
	if flags&SeqNoAr == 0 && name[len(name)-1] == ')' {
		if open := strings.IndexByte(name, '('); open > 0 && open < len(name)-2 {
			name, member = name[:open], name[open+1:len(name)-1]
		}
	}
	found := []string{name}
	if flags&SeqExists != 0 || strings.ContainsAny(name, "?*[") {
		if found = db.Glob(name); len(found) == 0 && flags&SeqExists == 0 {
			found = []string{name}
		}
	}
	if member == "" {
		return found
	}
	var names []string
	for _, archive := range found {
		members := []string{member}
		if db.opt.ArchiveGlob != nil && strings.ContainsAny(member, "?*[") {
			if got := db.opt.ArchiveGlob(archive, member); len(got) > 0 {
				members = got
			}
		}
		for _, m := range members {
			names = append(names, archive+"("+m+")")
		}
	}
	return names
}
