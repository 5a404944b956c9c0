# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# kill, for tests.

# Only what this test has started and what still runs: the number of a process
# that has ended is soon that of another one.
is_child() { # PID
	local line parent _
	# One line, so that it is read at once: /proc is another text each time.
	{ read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -r _ parent _ <<<"${line##*) }"
	[ "$parent" = $$ ] || [ "$parent" = "$BASHPID" ]
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
