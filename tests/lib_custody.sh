# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of checkpoints, on top of lib.sh: operations of the authority's
# socket, and a signed note taken apart and checked by openssl.

# cu_call OP [JSON]: the result on standard output.
cu_call() {
	"$BIN/tests/tools/intruder" call "$STATE/run/authority.sock" "$@"
}
cu_refused() { # CODE OP [JSON]
	local code=$1
	shift
	cu_call "$@" >"$TMP/cu.said"
	cat "$TMP/cu.said"
	grep -q "^[0-9]* $code:" "$TMP/cu.said"
}
cu_signed() { # all that has happened is signed now
	cu_call custody.sign | tee "$TMP/cu.signed"
	# An empty file is no answer, but jq 1.6 finds nothing wrong with it.
	[ -s "$TMP/cu.signed" ] &&
	    jq -e '.checkpoint.size >= 0' "$TMP/cu.signed" >/dev/null
}
cu_sql() { # of a store that may be in use, read only
	sqlite3 -readonly -cmd '.timeout 20000' "$STATE/db/camca.sqlite" "$1"
}
cu_sql_rw() { # of a stopped authority's store
	sqlite3 "$STATE/db/camca.sqlite" "$1"
	chown --reference "$STATE/db" "$STATE"/db/camca.sqlite*
}
refused_sql() { # SQL WORDS
	sqlite3 -cmd '.timeout 20000' "$STATE/db/camca.sqlite" "$1" \
	    >"$TMP/cu.said" 2>&1
	cat "$TMP/cu.said"
	grep -q "$2" "$TMP/cu.said"
}
cu_doctor() { # LEVEL NAME WORDS
	camca doctor >"$TMP/cu.doctor"
	grep "^$1 *$2 " "$TMP/cu.doctor" | tee "$TMP/cu.line"
	grep -q "$3" "$TMP/cu.line"
}
# cu_fsck: every step of it; fails where something is wrong, and says what.
cu_fsck() {
	local from=''
	while :; do
		cu_call custody.fsck "$(jq -cn --arg f "$from" '{from: $f}')" \
		    >"$TMP/cu.fsck" || { cat "$TMP/cu.fsck"; return 1; }
		cat "$TMP/cu.fsck"
		jq -e '.wrong == null' "$TMP/cu.fsck" >/dev/null || return 1
		from=$(jq -r .next "$TMP/cu.fsck")
		[ -n "$from" ] || return 0
	done
}
cu_fsck_finds() { # WORDS
	! cu_fsck >/dev/null && jq -r .wrong "$TMP/cu.fsck" |
	    tee "$TMP/cu.said" && grep -q "$1" "$TMP/cu.said"
}

cu_hex() { # COUNT FILE: its first bytes
	head -c "$1" "$2" | od -An -tx1 | tr -d ' \n'
}

# cu_cut NOTE: NOTE.text, and by the verifier keys of the running authority
# NOTE.{ed,ec}.{key,raw,sig}: key without its type byte, signature with and
# without its key id.
cu_cut() {
	local f=$1 kind key line
	sed '/^$/,$d' "$f" >"$f.text"
	cu_call custody.key | jq -r '.keys[]' >"$f.keys"
	while IFS= read -r key; do
		# NAME+ID+BASE64: the name has no '+', the base64 may.
		printf '%s' "${key#*+*+}" | base64 -d >"$f.any" || return 1
		case $(cu_hex 1 "$f.any") in
		01) kind='ed' ;;
		02) kind='ec' ;;
		*) return 1 ;;
		esac
		tail -c +2 "$f.any" >"$f.$kind.key"
		line=${key#*+}
		# The line whose first four bytes are this key's id.
		grep -a $'^\xe2\x80\x94 ' "$f" | while read -r _ _ sig; do
			printf '%s' "$sig" | base64 -d >"$f.one"
			[ "$(cu_hex 4 "$f.one")" != "${line%%+*}" ] ||
			    cp "$f.one" "$f.$kind.raw"
		done
		tail -c +5 "$f.$kind.raw" >"$f.$kind.sig"
	done <"$f.keys"
}
cu_verify_ec() {
	openssl pkey -pubin -inform DER -in "$1.ec.key" -out "$1.ec.pem" &&
	    openssl dgst -sha256 -verify "$1.ec.pem" -signature "$1.ec.sig" \
	    "$1.text"
}
cu_verify_ed() {
	# SubjectPublicKeyInfo of RFC 8410 around the 32 bytes.
	(printf '\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00'
	    cat "$1.ed.key") |
	    openssl pkey -pubin -inform DER -out "$1.ed.pem" &&
	    openssl pkeyutl -verify -pubin -inkey "$1.ed.pem" -rawin \
	    -in "$1.text" -sigfile "$1.ed.sig"
}
cu_verify() {
	cu_verify_ec "$1" && cu_verify_ed "$1"
}

# cu_backup NAME / cu_restore NAME: the database of a stopped authority.
cu_backup() {
	sqlite3 "$STATE/db/camca.sqlite" ".backup '$TMP/$1.sqlite'"
	chown --reference "$STATE/db" "$STATE"/db/camca.sqlite*
}
cu_restore() {
	rm -f "$STATE"/db/camca.sqlite-wal "$STATE"/db/camca.sqlite-shm
	cp "$TMP/$1.sqlite" "$STATE/db/camca.sqlite"
	chown --reference "$STATE/db" "$STATE/db/camca.sqlite"
	chmod 600 "$STATE/db/camca.sqlite"
}

# cu_event TYPE LINE...: the newest event of the type, in the log, has the lines.
cu_event() {
	local type=$1 line
	shift
	cu_sql "SELECT CAST(COALESCE(data, body) AS TEXT) AS t FROM log_entry e
	    JOIN event ON seq = e.idx + 1 LEFT JOIN log_odd o ON o.idx = e.idx
	    WHERE t LIKE '%' || char(10) || 'type $type' || char(10) || '%'
	    ORDER BY seq DESC LIMIT 1" | tee "$TMP/cu.event"
	for line in "$@"; do
		grep -qxF -- "$line" "$TMP/cu.event" ||
		    { echo "missing: $line"; return 1; }
	done
}
