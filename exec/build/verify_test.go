package build

import (
	"testing"
	"time"
)

func TestUntilLater(t *testing.T) {
	const later = time.Second + time.Duration(clockTick)
	now := time.Unix(1_700_000_000, 0)
	tests := []struct {
		name string
		then time.Time
		want time.Duration
	}{
		{"just now", now, later},
		{"half a second ago", now.Add(-later / 2), later / 2},
		{"long ago", now.Add(-time.Hour), 0},
		{"never", time.Unix(0, 0), 0},
		{"the clock was set back by a year", now.AddDate(1, 0, 0), later},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := untilLater(tt.then, now); got != tt.want {
				t.Errorf("untilLater() = %v, want %v", got, tt.want)
			}
		})
	}
}
