package cache

import (
	"errors"
	"fmt"
	"time"

	"fmake/cache/internal/proto"
)

// What is kept far away, on another machine, is looked up like what is in the store,
// and is in the store afterwards. It costs more than a look into the store, so it comes
// after all that can be found there.

// ErrNoFar says that nothing is kept elsewhere.
var ErrNoFar = errors.New("there is no remote cache")

// FarError says why what is kept elsewhere is not used any more. It is returned once,
// so that a person can be told; afterwards nothing is found there.
type FarError struct{ Why string }

func (e *FarError) Error() string { return e.Why }

// The longest that calls about another machine may take. Who makes them for us has
// closer limits, which tell a large content from a machine that does not answer.
const (
	farPatience   = 10 * time.Minute
	flushPatience = time.Hour
)

// FarSets is PathSets for another machine.
func (c *Client) FarSets(key Hash) ([]PathSet, error) {
	answer, found, err := c.far(proto.FarSets, key[:], farPatience)
	if err != nil || !found {
		return nil, err
	}
	return decodeSets(answer), nil
}

// FarResult is Result for another machine. A trace that it returns, and its contents,
// are in the store.
func (c *Client) FarResult(strong Hash) (*Trace, error) {
	answer, found, err := c.far(proto.FarResult, strong[:], farPatience)
	if err != nil || !found {
		return nil, err
	}
	t, err := DecodeTrace(answer)
	if err != nil {
		return nil, err
	}
	t.From = FromFar
	return t, nil
}

// Flush waits until what was put is on other machines too, but not for long: what is not
// there by then stays here.
func (c *Client) Flush() error {
	_, _, err := c.far(proto.FarFlush, nil, flushPatience)
	if errors.Is(err, ErrNoFar) {
		return nil
	}
	return err
}

// far makes one call of these.
func (c *Client) far(op proto.Op, payload []byte, limit time.Duration) (answer []byte, found bool, err error) {
	status, answer, err := c.Call(byte(op), payload, limit)
	if err != nil {
		return nil, false, err
	}
	switch proto.Status(status) {
	case proto.OK:
		return answer, true, nil
	case proto.NotFound:
		return nil, false, nil
	case proto.Refused:
		return nil, false, ErrNoFar
	case proto.Unavailable:
		return nil, false, &FarError{string(answer)}
	}
	return nil, false, fmt.Errorf("the remote cache: %s", answer)
}

// Tally adds to what the store counts: results that came from other machines.
func (c *Client) Tally(far int64) error {
	_, _, err := c.call(proto.Tally, proto.AppendNumbers(nil, far))
	return err
}

// GetAlias returns the hash of a content by another function, zero if it is not known.
func (c *Client) GetAlias(h Hash) (alias Hash, err error) {
	answer, found, err := c.call(proto.GetAlias, h[:])
	if found && len(answer) >= len(alias) {
		copy(alias[:], answer)
	}
	return alias, err
}

// PutAlias keeps the hash of a content by another function.
func (c *Client) PutAlias(h, alias Hash) error {
	_, _, err := c.call(proto.PutAlias, append(h[:len(h):len(h)], alias[:]...))
	return err
}
