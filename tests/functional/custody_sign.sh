#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Checkpoints of the custody log: two signatures each, by keys in a token of
# their own, checked here by openssl alone; one a second while the log grows.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_custody.sh"
need jq openssl sqlite3 base64

camca_init
check "C2SP tlog-checkpoint: the origin is in the settings" grep -q \
    'origin: "localhost/custody"' "$STATE/camca.yaml"
start_authority

# ---- the note, by openssl alone ----
verified() { # a fresh checkpoint, cut into parts, holds
	cu_call custody.checkpoint | jq -j .note >"$TMP/note" &&
	    cu_cut "$TMP/note" && cu_verify "$TMP/note"
}
check "custody.sign answers when all that has happened is signed" \
    cu_signed
check "4.1 openssl verifies the ECDSA line, and the Ed25519 line" verified
check "three lines of text, no extension" equal "$(wc -l <"$TMP/note.text")" 3
check "the origin" equal "$(sed -n 1p "$TMP/note.text")" localhost/custody
check "the size is that of the log" equal "$(sed -n 2p "$TMP/note.text")" \
    "$(cu_sql 'SELECT size FROM log_head')"
check "C2SP signed-note: key id of Ed25519 is SHA-256(name, 0x0a, 0x01, key)" \
    equal "$( (printf 'localhost/custody\n\x01'; cat "$TMP/note.ed.key") |
    sha256sum | cut -c1-8)" "$(cu_hex 4 "$TMP/note.ed.raw")"
check "and of ECDSA SHA-256(SPKI)" equal \
    "$(sha256sum <"$TMP/note.ec.key" | cut -c1-8)" \
    "$(cu_hex 4 "$TMP/note.ec.raw")"
check "P-256" grep -q 'prime256v1' <(openssl pkey -pubin -inform DER \
    -in "$TMP/note.ec.key" -noout -text)
altered() { # SED: the signatures do not hold for that text
	sed -i "$1" "$TMP/note.text"
	! cu_verify_ec "$TMP/note" && ! cu_verify_ed "$TMP/note"
}
check "another size is not what was signed" altered '2s/$/0/'

# ---- what is kept ----
outside_is_newest() {
	cu_call custody.checkpoint | jq -j .note | cmp - "$STATE/custody/checkpoint"
}
check "the newest lies outside the database" outside_is_newest
check "in a folder of the authority's alone" equal \
    "$(stat -c '%a %U' "$STATE/custody")" "700 $(stat -c %U "$STATE/db")"
check "the first one is of the empty tree" equal "$(cu_sql 'SELECT size FROM
    log_checkpoint ORDER BY size LIMIT 1')" 0
check "and can be asked for" equal "$(cu_call custody.checkpoint '{"size":0}' |
    jq -r .note | sed -n 3p)" 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
check "of a size that was not signed there is none" cu_refused \
    custody.unknown custody.checkpoint '{"size":999999}'
check "a checkpoint is not changed" refused_sql \
    "UPDATE log_checkpoint SET signed_ms = 0" 'log_checkpoint only grows'
check "nor deleted" refused_sql "DELETE FROM log_checkpoint" \
    'log_checkpoint only grows'
check "each key is on record" equal "$(camca event list | grep -c custody.key)" 2
check "custody.key is a policy for verifiers" equal "$(cu_call custody.key |
    jq -r .policy | sed 's/ .*//' | xargs)" "log log quorum"

# ---- by itself ----
covered() { # by the thread, without being asked
	[ "$(cu_sql 'SELECT MAX(size) FROM log_checkpoint')" -ge "$1" ]
}
camca site add s1 --name S1 --level 1 >/dev/null
check "what happens is signed within a second or two" eventually covered \
    $(($(cu_sql 'SELECT n FROM counter WHERE name = '"'outbox'")))
N=$(cu_sql 'SELECT COUNT(*) FROM log_checkpoint')
sleep 2.5
check "where nothing happens nothing is signed" equal \
    "$(cu_sql 'SELECT COUNT(*) FROM log_checkpoint')" "$N"
check "custody.status tells" equal "$(cu_call custody.status |
    jq -r '"\(.origin) \(.checkpoint.size == .size) \(.keys | length) \(.fork) \(.error)"')" \
    "localhost/custody true 2 false "
check "and doctor" cu_doctor ok checkpoints 'events are signed'
check "fsck finds nothing" cu_fsck
KEYS=$(cu_call custody.key | jq -c .keys)

# ---- starts ----
stop "$AUTHORITY_PID"
start_authority
check "the next start has the same keys" equal \
    "$(cu_call custody.key | jq -c .keys)" "$KEYS"
check "and signs" cu_signed
stop "$AUTHORITY_PID"
sed -i 's|origin: .*|origin: "other.example/log"|' "$STATE/camca.yaml"
start_authority
check "the origin is fixed from the first start on" equal \
    "$(cu_call custody.status | jq -r .origin)" localhost/custody
check "which doctor says" cu_doctor warning origin 'is localhost/custody since'
stop "$AUTHORITY_PID"

# A state folder from before there was a log: no keys, no folder.
rm -rf "$STATE/custody"
cu_sql_rw "DELETE FROM meta WHERE key LIKE 'custody.%';
    DROP TRIGGER log_checkpoint_no_delete; DELETE FROM log_checkpoint;
    CREATE TRIGGER log_checkpoint_no_delete BEFORE DELETE ON log_checkpoint
    BEGIN SELECT RAISE(ABORT, 'log_checkpoint only grows'); END"
sed -i -e 's|keys: .*|keys: [ecdsa]|' "$STATE/camca.yaml"
start_authority
check "an older state gets its key at the next start" cu_signed
check "of the kinds that are asked for" equal "$(cu_call custody.key |
    jq -r '.keys | length')" 1
check "under the origin of the settings" equal \
    "$(cu_call custody.status | jq -r .origin)" other.example/log
check "fsck holds the log to the new key" cu_fsck
stop "$AUTHORITY_PID"

settings_refused() { # SED WORDS
	cp "$STATE/camca.yaml" "$TMP/yaml"
	sed -i "$1" "$STATE/camca.yaml"
	"$BIN/camcad" --state "$STATE" 2>"$TMP/said"
	local rc=$?
	cp "$TMP/yaml" "$STATE/camca.yaml"
	cat "$TMP/said"
	[ $rc -eq 1 ] && grep -q "$2" "$TMP/said"
}
check "a log without keys" settings_refused 's|keys: .*|keys: []|' \
    'the log needs a key'
check "with a key of another kind" settings_refused \
    's|keys: .*|keys: [rsa]|' 'is ed25519 or ecdsa'
check "and a name that is none are refused" settings_refused \
    's|origin: .*|origin: "a b"|' "no space, no '+'"
finish
