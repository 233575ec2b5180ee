package exec

import (
	"strings"
	"time"

	"fmake/makefile"
)

// describe says for -p how far the walk has come with a file.
func describe(f *makefile.File) []string {
	lines := []string{describeTime(f.Run.Mtime), "File has not been updated."}
	if f.Run.Updated {
		lines[1] = "File has been updated."
	}
	switch {
	case f.Run.State == stateRunning:
		return append(lines, "Recipe currently running (THIS IS A BUG).")
	case f.Run.State == stateDeps:
		return append(lines, "Dependencies recipe running (THIS IS A BUG).")
	}
	switch f.Run.Status {
	case StatusSuccess:
		return append(lines, "Successfully updated.")
	case StatusQuestion:
		return append(lines, "Needs to be updated (-q is set).")
	case StatusFailed:
		return append(lines, "Failed to be updated.")
	}
	return lines
}

func describeTime(m int64) string {
	switch m {
	case MtimeUnknown:
		return "Modification time never checked."
	case MtimeNone:
		return "File does not exist."
	case MtimeOld:
		return "File is very old."
	}
	t := time.Unix(0, m-MtimeBase).Format("2006-01-02 15:04:05.000000000")
	return "Last modified " + strings.TrimRight(strings.TrimRight(t, "0"), ".")
}
