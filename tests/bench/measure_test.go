package main

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	var s row
	for _, p := range [][2]float64{{1, 2}, {10, 20}, {2, 1}} {
		s.add(cost{Wall: p[0]}, cost{Wall: p[1]})
	}
	if got := s.ratio(func(c cost) float64 { return c.Wall }); got != 2 {
		t.Errorf("ratio %v, want 2", got)
	}
}

// The generated project must be one that make builds, and then finds up to date.
func TestGenerate(t *testing.T) {
	program, err := exec.LookPath("make")
	if err != nil {
		t.Skip("no make here")
	}
	dir := filepath.Join(t.TempDir(), "big")
	if err := generate(dir, 250); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"-q"}, {"clean"}} {
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("make %v: %v\n%s", args, err, out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "d*", "*.o")); len(left) > 0 {
		t.Errorf("clean leaves %v", left)
	}
}

func TestReport(t *testing.T) {
	var text strings.Builder
	r := &report{out: &text}
	r.add(row{work: "a & b, 1", rival: "make", theirs: []cost{{Wall: 2, CPU: 1, Peak: 2048}}, ours: []cost{{Wall: 1, CPU: 2, Peak: 1024}}, peak: true})
	for _, want := range []string{"| 2.000 (2.000–2.000) | 1.000 (1.000–1.000) | 0.50 | 2.00 |", "peak, MiB | make | 2 | 1 | 0.50 |"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in %q", want, text.String())
		}
	}
	dir := t.TempDir()
	table, chart := filepath.Join(dir, "t.csv"), filepath.Join(dir, "c.svg")
	if err := errors.Join(r.writeCSV(table), r.writeChart(chart)); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil || len(records) != 2 || records[1][0] != "a & b, 1" || records[1][13] != "0.5000" {
		t.Errorf("csv: %q, %v", records, err)
	}
	data, err := os.ReadFile(chart)
	if err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(data, new(struct{ XMLName xml.Name })); err != nil {
		t.Errorf("svg: %v\n%s", err, data)
	}
}
