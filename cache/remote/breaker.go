package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"fmake/cache/endpoint"
)

// What a build may lose by its remote cache.
const (
	// budget is how long it may wait, all in all, for answers that are of no use.
	budget = 1800 * time.Millisecond
	// quick is how long an answer in vain may take without counting.
	quick = 10 * time.Millisecond
	// callTime bounds one small call.
	callTime = 1500 * time.Millisecond
	// retryAfter is how long a call waits that is made again.
	retryAfter = 50 * time.Millisecond
	// patience is how many errors of a single answer are let pass.
	patience = 3
)

// breaker keeps a build from waiting for a server that is of no use. There is one a build;
// it is safe for concurrent use.
type breaker struct {
	secrets []string // are in no message

	mu     sync.Mutex
	open   bool // the server is not asked any more
	full   bool // nothing is given to it any more
	lost   time.Duration
	errors int
	why    string // what a person should be told
	told   bool
}

func newBreaker(place *endpoint.Endpoint) *breaker {
	b := &breaker{}
	for _, h := range place.Header {
		b.secrets = append(b.secrets, h[1])
	}
	return b
}

// errOpen is returned for what is not done because of the breaker.
var errOpen = errors.New("the server is not used any more")

// left is how long the build may wait yet for nothing, 0 if the server is not to be asked.
func (b *breaker) left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open {
		return 0
	}
	return budget - b.lost
}

// gives tells whether contents may be given to the server.
func (b *breaker) gives() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.open && !b.full
}

// lose notes that the build has waited for nothing. With a negative time it has saved some.
func (b *breaker) lose(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d > 0 {
		d = max(0, d-quick)
	}
	if b.lost = max(0, b.lost+d); b.lost >= budget-quick {
		b.trip("it answers too slowly for what it has")
	}
}

// trip ends the use of the server. b.mu is held.
func (b *breaker) trip(why string) {
	b.open = true
	b.say(why)
}

// end ends the use of a server of which an error says that it is not meant for that.
func (b *breaker) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trip(b.clean(err))
}

// say notes what a person should be told. The first thing counts.
func (b *breaker) say(why string) {
	if b.why == "" {
		b.why = why
	}
}

// failed judges an error that a look-up has met.
func (b *breaker) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why := b.useless(err); why != "" {
		b.trip(why)
		return
	}
	if b.errors++; b.errors >= patience {
		b.trip(b.clean(err))
	}
}

// refused judges an error that giving has met. One that is no fault of the server's state
// does not keep it from being asked.
func (b *breaker) refused(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	why := b.useless(err)
	if why != "" && status.Code(err) == codes.Unavailable {
		b.trip(why)
		return
	}
	b.full = true
	b.say("it takes no more results: " + b.clean(err))
}

// useless says why no other call will do better than one that has failed, or "".
func (b *breaker) useless(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it does not answer in time"
	}
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return "it does not answer in time"
	case codes.Unavailable:
		return "it cannot be reached: " + b.clean(err)
	case codes.Unimplemented:
		return "it does not know what it is asked: " + b.clean(err)
	case codes.Unauthenticated, codes.PermissionDenied:
		return "it does not let us in: " + b.clean(err)
	}
	return ""
}

// clean makes one line of an error, without secrets: a server may say anything.
func (b *breaker) clean(err error) string {
	const longest = 200
	text := err.Error()
	var st interface{ GRPCStatus() *status.Status }
	if errors.As(err, &st) {
		text = fmt.Sprintf("%s (%s)", st.GRPCStatus().Message(), st.GRPCStatus().Code())
	}
	for _, s := range b.secrets {
		text = strings.ReplaceAll(text, s, "***")
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest]) + "..."
	}
	return text
}

// message is what a person should be told now, "" if nothing or if it was told.
func (b *breaker) message() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.told || b.why == "" {
		return ""
	}
	b.told = true
	return b.why
}

// ask makes a call for which the build waits. All of that counts as lost: what it was good
// for shows when a result is here, and what that saves is more than it took to ask for it,
// or the server is of no use.
func (b *breaker) ask(ctx context.Context, call func(ctx context.Context) error) error {
	for try := 0; ; try++ {
		left := b.left()
		if left <= 0 {
			return errOpen
		}
		begun := time.Now()
		ctx, cancel := context.WithTimeout(ctx, min(callTime, left))
		err := call(ctx)
		cancel()
		b.lose(time.Since(begun))
		if status.Code(err) == codes.Unavailable && try == 0 {
			time.Sleep(retryAfter)
			continue
		}
		if err != nil {
			b.failed(err)
		}
		return err
	}
}
