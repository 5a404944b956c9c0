#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The column "must not link" of docs/ARCHITECTURE.md, by ldd: what a program
# cannot reach, a hole in it cannot use.
. "$(dirname "$0")/../lib.sh"
need ldd

# linked PROGRAM: names of its libraries, all levels deep.
linked() {
	ldd "$BIN/$1" | awk '{ n = split($1, p, "/"); print p[n] }'
}
# lacks PROGRAM LIBRARY...
lacks() {
	local program=$1 lib rc=0
	shift
	linked "$program" >"$TMP/libs" || return 1
	[ -s "$TMP/libs" ] || return 1
	for lib in "$@"; do
		if grep -E "^$lib\.so" "$TMP/libs"; then rc=1; fi
	done
	return "$rc"
}
# links_only PROGRAM LIBRARY...: these, the C library and, in a build of that
# kind, the sanitizer's own.
links_only() {
	local program=$1 known
	shift
	known=$(printf '|%s' "$@" libc libm libpthread libdl 'ld-linux[-_.a-z0-9]*' \
	    linux-vdso linux-gate libasan libubsan libtsan "libstdc[+][+]" libgcc_s)
	linked "$program" >"$TMP/libs"
	[ -s "$TMP/libs" ] || return 1
	! grep -vE "^(${known#|})\.so" "$TMP/libs"
}

check "camcad has no network library" lacks camcad \
    libmicrohttpd libgnutls libssl libcurl
check "camcad has HSM and database" sh -c \
    'ldd "$1" | grep -q libp11.so && ldd "$1" | grep -q libsqlite3' - "$BIN/camcad"
check "camca-gate has neither HSM nor database" lacks camca-gate \
    libp11 libsqlite3 libpq libsofthsm2
check "camca has neither HSM nor database" lacks camca \
    libp11 libsqlite3 libpq libsofthsm2 libmicrohttpd libgnutls
check "camca-anchor has neither HSM nor database nor server" lacks \
    camca-anchor libp11 libsqlite3 libpq libsofthsm2 libmicrohttpd
check "camca-agent has neither HSM nor database nor server" lacks \
    camca-agent libp11 libsqlite3 libpq libsofthsm2 libmicrohttpd
check "camca-witness has neither HSM nor database nor client" lacks \
    camca-witness libp11 libsqlite3 libpq libsofthsm2 libcurl
check "camca-fake-camera has neither HSM nor database nor client" lacks \
    camca-fake-camera libp11 libsqlite3 libpq libsofthsm2 libcurl
check "camca-verify has libcrypto alone" links_only camca-verify libcrypto
check "camca-renew has OpenSSL alone" links_only camca-renew libssl libcrypto

# dlopen would go round the column: only camcad, which loads the HSM's module,
# may do that itself.
dlopens() {
	nm -D --undefined-only "$BIN/$1" | grep -E ' dlm?open(@|$)'
}
if command -v nm >/dev/null; then
	for p in camca-gate camca camca-renew camca-anchor camca-agent camca-witness camca-verify; do
		check_not "$p loads no library by itself" dlopens "$p"
	done
fi

# The table in the documentation is the one that was tested.
row() { # PROGRAM TEXT
	grep -F "| \`$1\` |" "$TOP/docs/ARCHITECTURE.md" | grep -F "$2"
}
check "the table says so of camcad" row camcad 'libmicrohttpd, GnuTLS'
check "the table says so of camca-gate" row camca-gate 'libp11, sqlite3'
check "the table says so of camca" row camca 'libp11, sqlite3'
check "the table says so of camca-anchor" row camca-anchor \
    'libp11, sqlite3, libmicrohttpd'
check "the table says so of camca-agent" row camca-agent \
    'libp11, sqlite3, libpq, libmicrohttpd'
check "the table says so of camca-witness" row camca-witness \
    'libp11, sqlite3, libcurl'
check "the table says so of camca-fake-camera" row camca-fake-camera \
    'libcurl, libp11, sqlite3'
check "the table says so of camca-verify" row camca-verify \
    'everything but libcrypto'
check "the table says so of camca-renew" row camca-renew \
    'everything but OpenSSL'
for p in camcad camca-gate camca camca-renew camca-verify camca-anchor \
    camca-witness camca-agent camca-fake-camera; do
	check "$p --version" sh -c "'$BIN/$p' --version | grep -qxE '$p [0-9.]+'"
done
finish
