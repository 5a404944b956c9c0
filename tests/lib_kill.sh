# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# kill, for tests.

# Only what this test has started and what still runs: the number of a process
# that has ended is soon that of another one.
is_child() { # PID
	local name value
	while read -r name value; do
		[ "$name" != PPid: ] || break
	done 2>/dev/null <"/proc/$1/status"
	[ "${value:-}" = $$ ] || [ "${value:-}" = "$BASHPID" ]
}
kill() { # as the builtin
	local p
	for p in "$@"; do
		case $p in
		-* | *[!0-9]*) ;;
		*) is_child "$p" || return 1 ;;
		esac
	done
	builtin kill "$@"
}
