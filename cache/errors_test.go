package cache

import "testing"

// TestVersionErrorText: it says what can be done.
func TestVersionErrorText(t *testing.T) {
	for _, c := range []struct {
		err  VersionError
		want string
	}{
		{
			VersionError{"store", "/c", "fmake store 2", "fmake store 1"},
			`store /c is of another version of fmake (format "fmake store 2", not "fmake store 1") and stays as it is; use that version, or another cache: --cache-dir=DIR or FMAKE_CACHE_DIR`,
		},
		{
			VersionError{"label", "", "2", "1"},
			`label is of another version of fmake (format "2", not "1") and stays as it is; use that version, or make it anew`,
		},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
