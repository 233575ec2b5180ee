package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"fmake/cache"
	"fmake/cache/store"
)

// manageRole is the role in which the engine only looks after the cache:
//
//	fmake-engine cache DIR stats|verify
//	fmake-engine cache DIR gc [SIZE]
const manageRole = "cache"

// manage does what --cache-stats, --cache-verify and --cache-gc ask for.
func manage(args []string, out io.Writer) error {
	if len(args) < 2 {
		return fmt.Errorf("what is to be done with the cache?")
	}
	dir, command := args[0], args[1]
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("there is no cache: %w", err)
	}
	st, err := store.Open(dir)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer st.Close()
	c := client(st)
	defer c.Close()
	switch command {
	case "stats":
		return printStats(c, dir, out)
	case "verify":
		return verify(c, out)
	case "gc":
		return collect(c, args[2:], out)
	}
	return fmt.Errorf("unknown command %q for the cache", command)
}

func printStats(c *cache.Client, dir string, out io.Writer) error {
	s, err := c.Stats()
	if err != nil {
		return err
	}
	percent := 0.0
	if asked := s.Hits + s.Misses; asked > 0 {
		percent = 100 * float64(s.Hits) / float64(asked)
	}
	_, err = fmt.Fprintf(out, `cache             %s
results           %d, known by %d sets of paths
contents          %d files with %s, %d small ones
records on disk   %s
near              %d files with %s, copies that trees have of their results
looked up         %d found, %d not found (%.0f %%)
time saved        %s
from elsewhere    %d results of the remote cache
damaged records   %d dropped
not counted       what a tree puts back of its own last builds without asking the cache, as after clean
`, dir, s.Traces, s.Sets, s.Blobs, size(s.BlobBytes), s.Small, size(s.RecordBytes), s.Near, size(s.NearBytes), s.Hits, s.Misses, percent, time.Duration(s.Saved).Round(time.Second), s.Far, s.Dropped)
	return err
}

// verify fails if anything was damaged, though what was is gone afterwards.
func verify(c *cache.Client, out io.Writer) error {
	r, err := c.Verify(true)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "looked at %d records and %d files; %d damaged records, %d damaged files, %d missing contents\n",
		r.Records, r.Blobs, r.BadRecords, r.BadBlobs, r.Missing)
	if r.BadRecords+r.BadBlobs+r.Missing > 0 {
		return fmt.Errorf("the cache was damaged; what was is dropped and will be built again")
	}
	return nil
}

func collect(c *cache.Client, args []string, out io.Writer) error {
	limit := int64(cacheSize)
	if len(args) > 0 && args[0] != "" {
		var err error
		if limit, err = parseSize(args[0]); err != nil {
			return fmt.Errorf("option '--cache-gc=%s': %w", args[0], err)
		}
	}
	r, err := c.GC(cache.GCLimits{Bytes: limit})
	if err != nil {
		return err
	}
	near := ""
	if r.Near > 0 {
		near = fmt.Sprintf(", and %d files of copies that trees had", r.Near)
	}
	_, err = fmt.Fprintf(out, "removed %d results and %d contents%s; %s of %s are left\n", r.Traces, r.Blobs+r.Small, near, size(r.After), size(r.Before))
	return err
}

// parseSize reads a number of bytes, with K, M, G or T behind it for powers of
// 1000.
func parseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	for i, letter := range []string{"K", "M", "G", "T"} {
		if n, ok := strings.CutSuffix(strings.ToUpper(text), letter); ok {
			number = n
			for range i + 1 {
				unit *= 1000
			}
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n*float64(unit) > 1<<62 {
		return 0, errors.New("the value must be a size such as 500M or 10G")
	}
	return int64(n * float64(unit)), nil
}

// size writes a number of bytes for people.
func size(n int64) string {
	units := [...]string{"bytes", "KB", "MB", "GB", "TB"}
	f, i := float64(n), 0
	for ; f >= 1000 && i < len(units)-1; i++ {
		f /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%d %s", n, units[0])
	}
	return fmt.Sprintf("%.1f %s", f, units[i])
}
