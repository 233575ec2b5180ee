#!/bin/sh
# Runs all tests of fmake and prints "N passed, N failed, N skipped" last.
# Needs Go. As root it installs what else the tests need from Debian and makes
# /dev/fuse usable for ordinary users, as it is on most machines; otherwise tests
# that miss something are skipped by name.
#   tests/run.sh [GO-TEST-ARGUMENTS]    default: ./...
set -eu
cd "$(dirname "$0")/.."

packages="gcc libc6-dev make perl git util-linux procps xz-utils ccache libreadline-dev dpkg-dev tmux"
browser=chromium-headless-shell

# install_packages PACKAGE... installs those that are missing.
install_packages() {
	missing=
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	apt-get -qq update
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

# install_browser gets what opens the pages of --report, 90 MB. Not every Debian has it, and where
# it is missing the tests of these pages are skipped, and nothing else.
install_browser() {
	command -v chromium >/dev/null || install_packages "$browser" || echo "tests/run.sh: $browser cannot be installed" >&2
}

# Only a real FUSE device gets the usual mode, never what else may have its name.
open_fuse() {
	[ -c /dev/fuse ] && [ ! -L /dev/fuse ] || return 0
	[ "$(stat -c %t:%T /dev/fuse)" = a:e5 ] || return 0
	chmod 0666 /dev/fuse
}

if [ "$(id -u)" = 0 ]; then
	if command -v apt-get >/dev/null; then
		# shellcheck disable=SC2086
		install_packages $packages
		install_browser
	fi
	open_fuse
fi
[ $# -gt 0 ] || set -- ./...
# The tests start makes of their own: none of ours may reach them.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKE_TERMOUT MAKE_TERMERR FMAKEFLAGS
status=0
# Many tests build fmake, which go's cache of results does not see.
go test -count=1 -timeout 35m -json "$@" | go run ./tests/summary || status=$?
exit $status
