#!/bin/sh
# Builds fmake and shows, as a terminal session, what it does with a small C
# project whose Makefile forgets a dependency: GNU make builds it wrong after an
# edit, fmake right. Fails where it does not.
#   tests/demo/run.sh [FMAKE]     with an fmake that is built already
# Needs Go, a C compiler and make; as root it installs the last two from Debian.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
need() { # COMMAND PACKAGES...
	command -v "$1" >/dev/null && return
	[ "$(id -u)" = 0 ] || { echo "demo: please install $1" >&2; exit 1; }
	shift
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}
need cc gcc libc6-dev
need make make

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
if [ $# -gt 0 ]; then
	fmake=$(realpath "$1")
else
	echo '$ go build -o bin/ ./cmd/...'
	(cd "$here/../.." && go build -o bin/ ./cmd/fmake ./cmd/fmake-engine)
	fmake=$(realpath "$here/../../bin/fmake")
fi
mkdir "$work/cache" "$work/path"
ln -s "$fmake" "$work/path/fmake"
# The session must not see the make that may have started it.
unset MAKEFLAGS MFLAGS MAKELEVEL FMAKEFLAGS
export PATH="$work/path:$PATH" FMAKE_CACHE_DIR="$work/cache" LC_ALL=C

run() { echo "\$ $*"; "$@"; }
say() { printf '\n# %s\n' "$*"; }
check() { # WANT: what calc must print for 2/3
	echo "\$ ./calc 2/3"
	got=$(./calc 2/3)
	echo "$got"
	[ "$got" = "$1" ] || { echo "demo: want $1" >&2; exit 1; }
}
edit() { # SED-EXPRESSION
	echo "\$ sed -i '$1' src/settings.h"
	sed -i "$1" src/settings.h
}

cp -r "$here/calc" "$work/with-make"
cp -r "$here/calc" "$work/with-fmake"

say "GNU make. value.c includes settings.h, which the Makefile does not say."
cd "$work/with-make"
run make
check 0.667
edit 's/DIGITS 3/DIGITS 6/'
run make
check 0.667
echo "  (wrong: settings.h asks for six digits)"

say "fmake on the same Makefile: what a recipe reads is a dependency."
cd "$work/with-fmake"
run fmake
check 0.667
edit 's/DIGITS 3/DIGITS 6/'
run fmake --explain=src/value.o
run fmake
check 0.666667

say "Again: nothing to do. The edit taken back: what had been compiled is put back
# (the commands are shown as GNU make shows them, but none of them runs)."
run fmake
edit 's/DIGITS 6/DIGITS 3/'
run fmake
check 0.667

say "Clean, and everything comes back from the cache, without a compiler."
run fmake clean
run fmake
check 0.667
run fmake test
printf '\ndemo: all as it should be\n'
