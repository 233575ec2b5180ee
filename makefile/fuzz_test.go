package makefile

import (
	"testing"
)

// FuzzRead reads any text as a makefile, recipes expanded too: whatever it is,
// reading ends, and with no panic but a *Fatal, which Catch turns into an error.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a = $(b)\nb := $a\n$(info $(a:%=x))\nc ?= $(subst a,b,$(a))\nd != echo $a\n",
		"define x\n$(1): $(2)\n\t$$@\nendef\n$(eval $(call x,a,b))\n",
		"ifeq ($(a),b)\nelse ifdef c\nelse\nendif\n",
		"a b: c | d .WAIT e ; x\n\ty \\\n\tz\n%.o: %.c\n\tcc $< -o $@\na.o: %.o: %.d\nx y &: z ; w\n",
		"a: v += $(v) x\na%: private export v := y\na:: b\n.SECONDEXPANSION:\nq: $$(v)\n",
		"include mk\n-include *.mk\nvpath %.c a:b\nexport a\nunexport\nundefine a\n",
		"$(foreach i,1 2,$(let a b,$i $i,$(intcmp $a,$b,<,=,>)))$(call f,$(call f,1))\nf = $(if $1,$(call f,),x)\n",
		"l(a b) ~x/y *.c \\: \\% \\#: $(wildcard *)\n\t@-+$(MAKE)\n",
		".RECIPEPREFIX = >\na:\n> b\n.POSIX:\n.ONESHELL:\nMAKEFLAGS += -k\n",
		"\x7fELF\x00\x01\n\x00\n\ufeff \r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		db, h := newTestDB(Options{WarnUndefined: true, Env: []string{"E=$(E)"}}, "b.mk", "x = 1\n")
		db.maxText = 1 << 16
		readText(t, db, h, text)
		_ = db.Catch(func() {
			for _, file := range db.Files() {
				db.InitFileVars(file, false)
				db.Environment(file, true)
				if file.Recipe == nil {
					continue
				}
				db.Chop(file.Recipe)
				for _, line := range file.Recipe.Lines {
					db.ExpandFor(line, file)
				}
			}
		})
	})
}
