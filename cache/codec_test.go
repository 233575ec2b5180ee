package cache

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestTraceRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genTrace().Draw(t, "trace")
		got, err := DecodeTrace(EncodeTrace(want))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

// TestTraceEveryField fills every field of a trace with something, so that one
// that is added to the type and forgotten in the codec is noticed.
func TestTraceEveryField(t *testing.T) {
	var want Trace
	fill(reflect.ValueOf(&want).Elem())
	got, err := DecodeTrace(EncodeTrace(&want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &want) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	default:
		v.SetUint(1)
	}
}

func TestDecodeTraceDamaged(t *testing.T) {
	good := EncodeTrace(&Trace{Target: "x", Inputs: []Input{{Path: "./a.c"}}})
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		var corrupt *CorruptError
		if _, err := DecodeTrace(bad); !errors.As(err, &corrupt) {
			t.Errorf("byte %d changed: error is %v", i, err)
		}
		if _, err := DecodeTrace(good[:i]); !errors.As(err, &corrupt) {
			t.Errorf("cut at %d: error is %v", i, err)
		}
	}
	w := writer{b: []byte{traceVersion + 1}}
	var version *VersionError
	if _, err := DecodeTrace(w.seal()); !errors.As(err, &version) {
		t.Errorf("newer version: error is %v", err)
	}
}

// FuzzDecodeTrace gives the decoder bytes under a right checksum, so that the
// parser itself is reached. What it accepts must survive another round.
func FuzzDecodeTrace(f *testing.F) {
	for _, tr := range []*Trace{{}, sampleTrace(3), sampleTrace(40)} {
		b := EncodeTrace(tr)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := writer{b: append([]byte(nil), body...)}
		tr, err := DecodeTrace(w.seal())
		if err != nil {
			return
		}
		again, err := DecodeTrace(EncodeTrace(tr))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(tr, again) {
			t.Fatalf("%+v\n%+v", tr, again)
		}
	})
}
