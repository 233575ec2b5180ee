package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"fmake/cache"
	"fmake/cache/store"
)

// manageRole is the role in which the engine only looks after the cache:
//
//	fmake-engine cache DIR stats|verify
//	fmake-engine cache DIR gc BYTES
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
looked up         %d found, %d not found (%.0f %%)
time saved        %s
damaged records   %d dropped
`, dir, s.Traces, s.Sets, s.Blobs, size(s.BlobBytes), s.Small, size(s.RecordBytes), s.Hits, s.Misses, percent, time.Duration(s.Saved).Round(time.Second), s.Dropped)
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
	var limit int64
	if len(args) != 1 {
		return fmt.Errorf("how large may the cache be?")
	}
	if _, err := fmt.Sscan(args[0], &limit); err != nil {
		return fmt.Errorf("how large may the cache be: %w", err)
	}
	r, err := c.GC(cache.GCLimits{Bytes: limit})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "removed %d results and %d contents; %s of %s are left\n", r.Traces, r.Blobs+r.Small, size(r.After), size(r.Before))
	return err
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
