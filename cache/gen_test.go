package cache

import (
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// genTrace draws traces that repeat paths and inputs, as real ones do.
func genTrace() *rapid.Generator[*Trace] {
	return rapid.Custom(func(t *rapid.T) *Trace {
		return &Trace{
			Target:   genPath().Draw(t, "target"),
			Dir:      genPath().Draw(t, "dir"),
			Key:      genHash().Draw(t, "key"),
			FullKey:  genHash().Draw(t, "fullkey"),
			Recipe:   rapid.String().Draw(t, "recipe"),
			Vars:     genStrings().Draw(t, "vars"),
			Inputs:   genSlice(genInput(), 60).Draw(t, "inputs"),
			Tokens:   genSlice(genToken(), 5).Draw(t, "tokens"),
			Env:      genSlice(genEnv(), 5).Draw(t, "env"),
			Outputs:  genSlice(genOutput(), 5).Draw(t, "outputs"),
			Strong:   genHash().Draw(t, "strong"),
			Befores:  genSlice(genOutput(), 5).Draw(t, "befores"),
			Started:  rapid.Int64().Draw(t, "started"),
			Reason:   rapid.String().Draw(t, "reason"),
			From:     Origin(rapid.Byte().Draw(t, "from")),
			Procs:    genSlice(genProc(), 5).Draw(t, "procs"),
			Chunks:   genSlice(genChunk(), 5).Draw(t, "chunks"),
			Status:   rapid.IntRange(-5, 300).Draw(t, "status"),
			Duration: rapid.Int64().Draw(t, "duration"),
			Serial:   rapid.Uint64().Draw(t, "serial"),
			Run:      genHash().Draw(t, "run"),
			Flags:    TraceFlags(rapid.Uint16().Draw(t, "flags")),
		}
	})
}

// genSlice draws a slice that is nil when it is empty, as decoders return it.
func genSlice[T any](g *rapid.Generator[T], n int) *rapid.Generator[[]T] {
	return rapid.Map(rapid.SliceOfN(g, 0, n), func(s []T) []T {
		if len(s) == 0 {
			return nil
		}
		return s
	})
}

func genStrings() *rapid.Generator[[]string] { return genSlice(rapid.String(), 4) }

func genPath() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"", "./a.c", "./b.h", "/usr/include/stdio.h", "a\nb", "\xff"}),
		rapid.StringMatching(`(/usr/include|\./src)/[a-z]{1,3}\.h`),
	)
}

func genHash() *rapid.Generator[Hash] {
	return rapid.Custom(func(t *rapid.T) Hash {
		if n := rapid.IntRange(0, 9).Draw(t, "hash"); n > 0 {
			return HashBytes([]byte{byte(n)})
		}
		return Hash{}
	})
}

func genStat() *rapid.Generator[FileStat] {
	return rapid.Custom(func(t *rapid.T) FileStat {
		if rapid.Bool().Draw(t, "nostat") {
			return FileStat{}
		}
		return FileStat{
			Dev:   rapid.Uint64().Draw(t, "dev"),
			Ino:   rapid.Uint64Range(1, 99).Draw(t, "ino"),
			Size:  rapid.Int64().Draw(t, "size"),
			Mtime: rapid.Int64().Draw(t, "mtime"),
			Ctime: rapid.Int64().Draw(t, "ctime"),
			Mode:  rapid.Uint32().Draw(t, "mode"),
		}
	})
}

func genInput() *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		return Input{
			Path: genPath().Draw(t, "path"),
			Kind: InputKind(rapid.IntRange(0, int(InputLink)).Draw(t, "kind")),
			Mode: rapid.SampledFrom([]uint32{0, unix.S_IFREG | 0o644}).Draw(t, "mode"),
			Size: rapid.SampledFrom([]int64{0, 17, -1}).Draw(t, "size"),
			Hash: genHash().Draw(t, "hash"),
			Stat: genStat().Draw(t, "stat"),
		}
	})
}

func genToken() *rapid.Generator[Token] {
	return rapid.Custom(func(t *rapid.T) Token {
		return Token{genPath().Draw(t, "name"), genHash().Draw(t, "hash"), genHash().Draw(t, "run"), rapid.Int64().Draw(t, "mtime")}
	})
}

func genEnv() *rapid.Generator[EnvInput] {
	return rapid.Custom(func(t *rapid.T) EnvInput {
		return EnvInput{rapid.String().Draw(t, "name"), rapid.Bool().Draw(t, "set"), genHash().Draw(t, "value")}
	})
}

func genOutput() *rapid.Generator[Output] {
	return rapid.Custom(func(t *rapid.T) Output {
		return Output{
			Path:   genPath().Draw(t, "path"),
			Type:   rapid.SampledFrom([]uint32{0, unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK}).Draw(t, "type"),
			Mode:   rapid.Uint32().Draw(t, "mode"),
			Hash:   genHash().Draw(t, "hash"),
			Size:   rapid.Int64().Draw(t, "size"),
			Link:   genPath().Draw(t, "link"),
			SameAs: genPath().Draw(t, "same"),
			Stat:   genStat().Draw(t, "stat"),
		}
	})
}

func genProc() *rapid.Generator[Proc] {
	return rapid.Custom(func(t *rapid.T) Proc {
		return Proc{
			Parent: rapid.Int32().Draw(t, "parent"),
			Argv:   genStrings().Draw(t, "argv"),
			Dir:    genPath().Draw(t, "dir"),
			Env:    genStrings().Draw(t, "env"),
			Reads:  genSlice(rapid.Uint32(), 4).Draw(t, "reads"),
			Writes: genSlice(rapid.Uint32(), 4).Draw(t, "writes"),
		}
	})
}

func genChunk() *rapid.Generator[Chunk] {
	return rapid.Custom(func(t *rapid.T) Chunk {
		return Chunk{rapid.Byte().Draw(t, "stream"), genSlice(rapid.Byte(), 9).Draw(t, "data")}
	})
}
