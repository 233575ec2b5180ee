package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestMiddle(t *testing.T) {
	tests := []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}}
	for _, tt := range tests {
		if got := middle(tt.in); got != tt.want {
			t.Errorf("middle(%v) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestRatioIsOfPairs(t *testing.T) {
	var s series
	for _, p := range [][2]float64{{1, 2}, {10, 20}, {2, 1}} {
		s.add(cost{Wall: p[0]}, cost{Wall: p[1]})
	}
	if got := s.ratio(func(c cost) float64 { return c.Wall }); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
}

// The generated makefile must be one that make reads and finds up to date.
func TestGenerate(t *testing.T) {
	program, err := exec.LookPath("make")
	if err != nil {
		t.Skip("no make here")
	}
	dir := filepath.Join(t.TempDir(), "big")
	if err := generate(dir, 250); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-q")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("make -q: %v\n%s", err, out)
	}
}
