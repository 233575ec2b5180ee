package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// row is one thing that was measured: fmake and a rival in turns.
type row struct {
	work         string
	rival        string
	theirs, ours []cost
	peak         bool // memory is of interest, too
}

func wall(c cost) float64 { return c.Wall }
func cpu(c cost) float64  { return c.CPU }
func peak(c cost) float64 { return float64(c.Peak) / 1024 } // MiB

func (r *row) add(theirs, ours cost) {
	r.theirs = append(r.theirs, theirs)
	r.ours = append(r.ours, ours)
}

// ratio is the median of the ratios of the pairs.
func (r *row) ratio(of func(cost) float64) float64 {
	ratios := make([]float64, len(r.ours))
	for i := range r.ours {
		ratios[i] = of(r.ours[i]) / max(of(r.theirs[i]), 1e-6)
	}
	return middle(ratios)
}

// spread shows a median with the smallest and the largest value.
func spread(costs []cost, of func(cost) float64) string {
	values := valuesOf(costs, of)
	return fmt.Sprintf("%.3f (%.3f–%.3f)", middle(values), slices.Min(values), slices.Max(values))
}

// report is the table of all rows. They are printed as they come.
type report struct {
	out  io.Writer
	rows []row
}

// head prints what was measured on, and with what.
func (r *report) head(b *bench) {
	for _, l := range b.machine() {
		fmt.Fprintln(r.out, "- "+l)
	}
	fmt.Fprintln(r.out, "\n| what | against | theirs, s | fmake, s | wall ratio | user+sys ratio |")
	fmt.Fprintln(r.out, "| --- | --- | --- | --- | --- | --- |")
}

func (r *report) add(x row) {
	r.rows = append(r.rows, x)
	fmt.Fprintf(r.out, "| %s | %s | %s | %s | %.2f | %.2f |\n", x.work, x.rival, spread(x.theirs, wall), spread(x.ours, wall), x.ratio(wall), x.ratio(cpu))
	if x.peak {
		fmt.Fprintf(r.out, "| %s: peak, MiB | %s | %.0f | %.0f | %.2f | |\n", x.work, x.rival, median(x.theirs, peak), median(x.ours, peak), x.ratio(peak))
	}
}

// note adds a line that is no ratio.
func (r *report) note(text string) { fmt.Fprintf(r.out, "| %s | | | | | |\n", text) }

// writeCSV writes all rows for other programs: seconds, and MiB of the largest process.
func (r *report) writeCSV(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	records := [][]string{{
		"work", "rival", "pairs", "rival_wall", "rival_wall_min", "rival_wall_max", "rival_cpu", "rival_peak",
		"fmake_wall", "fmake_wall_min", "fmake_wall_max", "fmake_cpu", "fmake_peak", "wall_ratio", "cpu_ratio",
	}}
	num := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	for i := range r.rows {
		x := &r.rows[i]
		rec := []string{x.work, x.rival, strconv.Itoa(len(x.ours))}
		for _, costs := range [][]cost{x.theirs, x.ours} {
			walls := valuesOf(costs, wall)
			rec = append(rec, num(middle(walls)), num(slices.Min(walls)), num(slices.Max(walls)), num(median(costs, cpu)), num(median(costs, peak)))
		}
		records = append(records, append(rec, num(x.ratio(wall)), num(x.ratio(cpu))))
	}
	err = w.WriteAll(records)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// machine describes what the figures hold for.
func (b *bench) machine() []string {
	model := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(data)) {
			if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var u unix.Utsname
	_ = unix.Uname(&u)
	var si unix.Sysinfo_t
	_ = unix.Sysinfo(&si)
	user := "root"
	if b.uid != 0 {
		user = "an ordinary user"
	}
	return []string{
		fmt.Sprintf("%d × %s, %.0f GiB, Linux %s, as %s, -j%d, medians of %d pairs in turns", runtime.NumCPU(), model, float64(si.Totalram)*float64(si.Unit)/(1<<30), unix.ByteSliceToString(u.Release[:]), user, b.jobs, b.pairs),
		strings.Join(b.versions(), ", "),
	}
}

// versions names the programs that were measured, as they name themselves.
func (b *bench) versions() (all []string) {
	for _, words := range [][]string{{b.reference, "--version"}, {"ninja", "--version"}, {"ccache", "--version"}, {"tup", "--version"}, {"cc", "--version"}} {
		out, err := exec.Command(words[0], words[1:]...).Output()
		if err != nil {
			continue
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if words[0] == "ninja" {
			line = "ninja " + line
		}
		all = append(all, line)
	}
	return all
}
