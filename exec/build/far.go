package build

import (
	"errors"
	"reflect"

	"fmake/cache"
	"fmake/makefile"
)

// The remote cache is looked at when the store has nothing. What it has is in the store
// afterwards, so that it is put back as any other result.

// lookFar is lookUp in the remote cache.
func (b *Build) lookFar(f *makefile.File, n *node) *cache.Trace {
	if b.noFar || b.opts.Cache != CacheOn {
		return nil
	}
	k := b.recipeKey(f, n)
	sets, err := b.store.FarSets(k.full)
	if err != nil {
		b.farError(err)
		return nil
	}
	for _, s := range sets {
		strong, ok := b.strongNow(f, n, s)
		if !ok {
			continue
		}
		t, err := b.store.FarResult(strong)
		if err != nil {
			b.farError(err)
			return nil
		}
		// What it is the result of counts, not what somebody says.
		if t == nil || t.FullKey != k.full || t.Strong != strong || !reflect.DeepEqual(cache.SetOf(t), s) {
			continue
		}
		if b.mayPutBack(f, t) {
			return t
		}
	}
	return nil
}

// farError says once what is wrong with the remote cache. The build goes on without.
func (b *Build) farError(err error) {
	var far *cache.FarError
	switch {
	case errors.Is(err, cache.ErrNoFar):
		b.noFar = true
	case errors.As(err, &far):
		b.warn("the remote cache is not used any more: %v", far)
	}
}

// flush waits a little for what is on its way to the remote cache.
func (b *Build) flush() {
	if !b.opts.Flush || b.opts.Cache != CacheOn || b.opts.Shared.engineName() == "" {
		return
	}
	c := b.client() // all recipes may have been those of makes below
	if c == nil {
		return
	}
	if err := c.Flush(); err != nil {
		b.farError(err)
	}
}
