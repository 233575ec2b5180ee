package real

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// all is a source of randomness whose numbers are always the smallest there is.
type all struct{}

func (all) Uint64() uint64 { return 1 << 32 }

func TestDamage(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"takes all it may", "a.o: a.c a.h\n\tcc -c a.c\n", "a.o: \n\tcc -c a.c\n"},
		{"$< needs the first", "a.o: a.c a.h b.h\n\tcc -c $<\n", "a.o: a.c\n\tcc -c $<\n"},
		{"$^ needs all", "p: a.o b.o\n\tcc -o $@ $^\n", "p: a.o b.o\n\tcc -o $@ $^\n"},
		{"phony", ".PHONY: all\nall: p.x\n\techo\n", ".PHONY: all\nall: p.x\n\techo\n"},
		{"group", "all: p.x\np: q\n", "all: p.x\np: q\n"},
		{"file without recipe", "a.o: a.h\n", "a.o: \n"},
		{"references are words", "$(T): $(O) $(addprefix x/, a b)\n\tln\n", "$(T): \n\tln\n"},
		{"continued", "a.o: a.h \\\n  b.h\n", "a.o: \n"},
		{"pattern", "%.o: %.c c.h\n\tcc\n", "%.o: %.c\n\tcc\n"},
		{"static pattern", "a.o: %.o: %.c\n\tcc\n", "a.o: %.o: %.c\n\tcc\n"},
		{"variables", "A := b: c\nx.o: V = 1\nB = a:b\n", "A := b: c\nx.o: V = 1\nB = a:b\n"},
		{"recipe on the line", "a.o: b.h; cc\n", "a.o: b.h; cc\n"},
		{"double colon", "a.o:: b.h\n\tcc\n", "a.o:: b.h\n\tcc\n"},
		{"define", "define x\na.o: b.h\nendef\n", "define x\na.o: b.h\nendef\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := Damage(tt.text, rand.New(all{})); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzDamage(f *testing.F) {
	f.Add("a: b $(c d)\n\tx\n", uint64(1))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		got, lost := Damage(text, rand.New(rand.NewPCG(seed, seed)))
		if lost == 0 && strings.TrimSuffix(got, "\n") != strings.TrimSuffix(text, "\n") {
			t.Errorf("nothing is lost but %q became %q", text, got)
		}
	})
}
