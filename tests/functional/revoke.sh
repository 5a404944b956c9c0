#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Graded actions: preview, apply, hold, release, revoke; what each means for a
# camera that wants a certificate, on connections opened before too.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
need openssl curl jq
policies
est_init --policies "$POLICIES"
camca_start

# cam ID MODEL FIRMWARE [options]: a registered camera; $SECRET
cam() {
	local id=$1 model=$2 fw=$3
	shift 3
	camca device add --id "$id" --manufacturer Hikvision --model "$model" \
	    --serial "SN-$id" --firmware "$fw" --site "${SITE:-north}" "$@" >/dev/null &&
	    SECRET=$(camca --json enroll secret "$id" | jq -r .secret) &&
	    echo "$SECRET" >"$TMP/$id.secret"
}
# live ID MODEL FIRMWARE [options]: an enrolled one; its files are $TMP/ID.*
live() {
	cam "$@" && csr "$TMP/$1" &&
	    [ "$(est_post simpleenroll "$TMP/$1" -u "$1:$SECRET")" = 200 ] &&
	    p7_cert "$TMP/$1" && return
	echo "not ok $1 does not enroll: $(cat "$TMP/$1.out")"
	exit 1
}
plan() { # ARGS: number of the batch, its answer in $TMP/plan
	camca --json revoke plan "$@" >"$TMP/plan" || { cat "$TMP/plan"; return 1; }
	BATCH=$(jq -r .batch.id "$TMP/plan")
}
count() { jq -r ".summary.$1" "$TMP/plan"; }
apply() { camca --json revoke apply "${1:-$BATCH}" >"$TMP/applied"; }
does() { plan "$@" && apply; }
code() { # CODE COMMAND...: refused with this code
	local want=$1
	shift
	! camca --json "$@" >"$TMP/refused" 2>/dev/null || { cat "$TMP/refused"; return 1; }
	grep -q "\"$want\"" "$TMP/refused" || { cat "$TMP/refused"; return 1; }
}
state() { camca --json device show "$1" | jq -r .device.state; }
restriction() { camca --json device show "$1" | jq -r .device.restriction; }
status() { camca --json cert show "$(serial_of "$TMP/$1.pem")" | jq -r '.. | .status? // empty'; }
reason() { camca --json cert show "$(serial_of "$TMP/$1.pem")" | jq -r '.. | .reason? // empty'; }
renews() { # ID: with its own certificate
	rm -f "$TMP/r-$1".*
	renew_csr "$TMP/r-$1" "$TMP/$1"
	accepts simplereenroll "$TMP/r-$1" --cert "$TMP/$1.pem" --key "$TMP/$1.key"
}
renews_not() { # ID WORDS
	rm -f "$TMP/r-$1".*
	renew_csr "$TMP/r-$1" "$TMP/$1"
	refuses 403 "$2" simplereenroll "$TMP/r-$1" --cert "$TMP/$1.pem" --key "$TMP/$1.key"
}
fresh() { camca --json enroll secret "$1" | jq -r .secret >"$TMP/$1.secret"; }
enrolls_not() { # ID WORDS: with its newest secret
	csr "$TMP/e-$1" && refuses 403 "$2" simpleenroll "$TMP/e-$1" \
	    -u "$1:$(cat "$TMP/$1.secret")"
}

camca site add north --name North --level 1 >/dev/null
camca site add south --name South --level 2 >/dev/null
live a-1 DS-2CD2143G2-I 'V5.5.82 build 190909' --place key-area
live a-2 DS-2CD2143G2-I 'V5.5.800 build 210628'
live a-3 DS-2CD2083G2-I 'V5.5.82 build 190909' --place public
live a-4 IPC-HFW2431 '2.800.0000000.8.R'
cam a-5 DS-2CD2143G2-I 'V5.5.82 build 190909'
cam a-6 DS-2CD2143G2-I ''
live a-7 DS-2CD2143G2-I 'V5.5.82 build 190909'

# The preview.
check "a plan needs a term" code revoke.no-term revoke plan hold --reason x
check "and a reason" sh -c "'$BIN/camca' revoke plan hold --site north; test \$? = 2"
check "a reason that is empty is none" code revoke.reason revoke plan hold \
    --site north --reason ''
check "no such action" code revoke.action revoke plan delete --site north --reason x
check "no such site" code site.unknown revoke plan hold --site nort --reason x
check "no such device" code device.unknown revoke plan hold --device b-1 --reason x
check "no such serial" code cert.unknown revoke plan hold --serial 12 --reason x
check "no such issuer" code ca.unknown revoke plan hold --issuer nobody --reason x
check "a range that is none" code revoke.firmware revoke plan hold \
    --firmware '5.5.x' --reason x
check "nothing matches" code revoke.nothing revoke plan hold --model Q --reason x
check "a hold has no CRL reason" code revoke.crl-reason revoke plan hold \
    --site north --crl-reason keyCompromise --reason x
check "an invalidity date lies in the past" code revoke.invalidity revoke plan \
    revoke --site north --invalidity 2999-01-01 --reason x
check "watch is about devices" code revoke.action revoke plan watch \
    --issuer ec --reason x
check "planned" plan hold --manufacturer hikvision --model 'ds-2cd*' \
    --firmware '<5.5.800' --reason 'letter on CVE-2021-36260' --reference 1234/QD
cp "$TMP/plan" "$TMP/plan1"
ONE=$BATCH
check "devices" equal "$(count devices)" 4
check "certificates" equal "$(count certificates)" 3
check "a key area loses service" equal "$(count key_area_losing_service)" 1
check "a registered one is among them" equal "$(count registered)" 1
check "an unknown firmware stands apart" equal "$(count undetermined)" 1
check "by place" equal "$(jq -c '.summary.by_place | map([.place,.devices])' "$TMP/plan")" \
    '[["other",2],["key-area",1],["public",1]]'
check "by site and level" equal "$(jq -c '.summary | [.by_site[0].site, .by_level[0].level]' \
    "$TMP/plan")" '["north",1]'
check "each item says its rule" sh -c "'$BIN/camca' --json revoke show $ONE --items |
    jq -e '.items[] | select(.device==\"a-1\") | .rule | test(\"model DS-2CD2143G2-I .ds-2cd.*firmware V5.5.82\")'"
check "the undetermined one is listed" equal "$(camca --json revoke show "$ONE" \
    --verdict undetermined | jq -r '.items[].device')" a-6
check "the whole of it, page by page" equal "$(camca --json revoke show "$ONE" \
    --items --limit 2 | jq -r '.items | length')" 2
check "nothing has changed yet" equal "$(state a-1) $(status a-1) $(state a-5)" \
    'enrolled good registered'
check "it is listed" sh -c "'$BIN/camca' revoke list | grep -q 'planned *hold *4'"
check "an event" event_has "type revoke.planned .*batch $ONE .*undetermined 1 .*reference 1234/QD"
check "people can read it" sh -c "'$BIN/camca' revoke show $ONE | grep -q 'UNDETERMINED: NOT PART'"

# Applied, on a connection that was opened before.
live a-8 DS-2CD2143G2-I 'V5.5.82 build 190909'
check "the world has changed: one more camera" code revoke.changed revoke apply "$ONE"
check "it says how" grep -q '1 devices came, 0 went' "$TMP/refused"
check "nothing was done" equal "$(state a-1) $(status a-1)" 'enrolled good'
check "the preview is a new one" equal "$(camca --json revoke show "$ONE" | jq -c \
    '[.batch.state, .summary.devices]')" '["planned",5]'
check "applied with the old one in mind: no" code revoke.changed revoke apply "$ONE" \
    --world "$(jq -r .batch.world "$TMP/plan1")"
kept_alive() { # ID APPLY...: two renewals on one connection, the third after it
	local id=$1 i
	shift
	rm -f "$TMP/go" "$TMP/k-$id".*
	mkfifo "$TMP/go"
	openssl ecparam -name prime256v1 -genkey -noout -out "$TMP/k-$id.key" 2>/dev/null
	"$BIN/tests/tools/est_link" "$EST_PORT" "$TMP/root.pem" simplereenroll \
	    "$TMP/k-$id.key" "$TMP/k-$id" cert="$TMP/$id.pem" certkey="$TMP/$id.key" \
	    names="$TMP/$id.pem" times=3 pause=1 <"$TMP/go" >"$TMP/kept" &
	exec 8>"$TMP/go"
	for i in 1 2; do
		eventually sh -c "[ \"\$(grep -c again '$TMP/kept')\" -ge $i ]" || return 1
		[ $i = 1 ] || "$@" >/dev/null || return 1
		echo >&8
	done
	wait $!
	exec 8>&-
	equal "$(tr '\n' ' ' <"$TMP/kept")" 'status 200 again status 200 again status 403 '
}
fresh a-1
check "held between two requests of one connection" kept_alive a-1 apply "$ONE"
check "why" grep -qE 'held|hold' "$TMP/k-a-1.out"
check "the answer has number and gates" jq -e '.batch.rev_seq > 0 and
    (.gates | has("confirmed") and has("cut")) and (.times | has("gates_ms"))' "$TMP/applied"
check "held" equal "$(state a-1) $(status a-1) $(reason a-1)" 'held hold certificateHold'
check "the public one too" equal "$(state a-3) $(status a-3)" 'held hold'
check "those above the range not" equal "$(state a-2) $(status a-2)" 'enrolled good'
check "nor another model" equal "$(state a-4) $(status a-4)" 'enrolled good'
check "nor the undetermined one" equal "$(state a-6)" registered
check "the registered one is held" equal "$(state a-5)" held
check "and does not enroll" enrolls_not a-5 'held'
check "a held camera does not enroll anew" enrolls_not a-1 'held'
check "an event of the device tells all" event_has \
    "type device.moved .*from enrolled to held .*batch $ONE .*status hold crl-reason certificateHold .*reference 1234/QD" a-1
check "an event of the batch" event_has "type revoke.applied .*batch $ONE .*devices 5"
check "twice is once" code revoke.state revoke apply "$ONE"
check "it cannot be cancelled any more" code revoke.state revoke cancel "$ONE"
check "held already: unchanged" plan hold --model 'DS-2CD2143*' --firmware '<5.5.800' --reason x
check "they stand apart" equal "$(count devices) $(count unchanged)" '0 4'
check "cancelled" camca revoke cancel "$BATCH" --reason 'not needed'
check "a cancelled one is not applied" code revoke.state revoke apply "$BATCH"

# Release.
check "released" does release --model 'DS-2CD2143*' --firmware '<5.5.800' --reason 'patched'
check "back in service" equal "$(state a-1) $(status a-1)" 'enrolled good'
check "the registered one where it was" equal "$(state a-5)" registered
check "it renews again" renews a-1
check "nothing to release" plan release --device a-2 --reason x
check "is shown so" equal "$(count devices) $(count unchanged)" '0 1'

# Watch and stop-renewal.
check "watched" does watch --device a-2 --reason x
check "shown" equal "$(restriction a-2) $(state a-2)" 'watched enrolled'
check "it still renews" renews a-2
check "renewal stopped" does stop-renewal --device a-2 --device a-6 --reason x
check "shown, too" equal "$(restriction a-2) $(status a-2)" 'renewal-stopped good'
check "no renewal" renews_not a-2 'renewal was stopped'
check "no enrollment" enrolls_not a-6 'renewal was stopped'
check "an event names the rule" event_has 'rule admit.renewal-stopped' a-2
check "a watch does not weaken it" plan watch --device a-2 --reason x
check "unchanged" equal "$(count unchanged)" 1
check "by the device's own command" camca device release a-2 --reason x
check "it renews" renews a-2

# Revoke, and again for a worse reason; nothing else leads back.
check "on hold" does hold --device a-3 --reason x
REVOKED_AT=$(camca --json cert show "$(serial_of "$TMP/a-3.pem")" | jq -r .revoked)
check "revoked from hold" does revoke --device a-3 --crl-reason superseded \
    --invalidity 2026-01-02 --reason x
check "status and reason" equal "$(state a-3) $(status a-3) $(reason a-3)" \
    'revoked revoked superseded'
check "it does not renew" renews_not a-3 'revoked'
check "a revoked one is not held" plan hold --device a-3 --reason x
check "shown as unchanged" equal "$(count devices) $(count unchanged)" '0 1'
check "nor released" plan release --device a-3 --reason x
check "unchanged, too" equal "$(count unchanged)" 1
check "revoked again for another reason: no" plan revoke --device a-3 \
    --crl-reason cessationOfOperation --reason x
check "it stays" equal "$(count certificates)" 0
check "for keyCompromise: yes" does revoke --device a-3 --crl-reason keyCompromise --reason x
check "so it is" equal "$(reason a-3) $(state a-3)" 'keyCompromise revoked'
check "the date is the first one" equal "$(camca --json cert show \
    "$(serial_of "$TMP/a-3.pem")" | jq -r .revoked)" "$REVOKED_AT"

# One certificate, and not its device. Who renews between preview and
# application does not slip through unseen.
check "one certificate" plan revoke --serial "$(serial_of "$TMP/a-7.pem")" --reason x
check "the camera loses service" equal "$(count losing_service) $(count keeping_service)" '1 0'
check "it renews" renews a-7
check "the world has changed: it would stay in service" code revoke.changed \
    revoke apply "$BATCH"
check "people are told" sh -c "'$BIN/camca' revoke show $BATCH | grep -q '1 devices stay in service'"
check "given up" camca revoke cancel "$BATCH"
check "cert hold tells of the new one" equal "$(camca --json cert hold \
    "$(serial_of "$TMP/a-7.pem")" --text x | jq -r '.device, .others_in_force' | xargs)" 'a-7 1'
check "put back" camca cert release "$(serial_of "$TMP/a-7.pem")" --text x
check "by serial" does hold --serial "$(serial_of "$TMP/a-7.pem")" --reason x
check "the device stays" equal "$(state a-7) $(status a-7)" 'enrolled hold'
check "under it nothing is renewed" renews_not a-7 'revoked|hold'
check "cert release" camca cert release "$(serial_of "$TMP/a-7.pem")" --text x
check "good again" equal "$(status a-7)" good
check "cert hold" camca cert hold "$(serial_of "$TMP/a-7.pem")" --text x
check "twice is refused" code cert.status cert hold "$(serial_of "$TMP/a-7.pem")" --text x
check "cert release again" camca cert release "$(serial_of "$TMP/a-7.pem")" --text x
camca device hold a-7 --reason x >/dev/null
check "not while its device is held" code cert.device cert release \
    "$(serial_of "$TMP/a-7.pem")" --text x
check "neither in a batch" plan release --serial "$(serial_of "$TMP/a-7.pem")" --reason x
check "unchanged there" equal "$(count certificates) $(count unchanged)" '0 1'
check "device release" camca device release a-7 --reason x
check "nothing was issued then" code revoke.nothing revoke plan hold --issuer ec \
    --issued-after 2000-01-01 --issued-before 2000-01-02 --reason x
check "issued in time" sh -c "'$BIN/camca' --json revoke plan hold --site north --issuer ec \
    --issued-after 2000-01-01 --reason x | jq -e '.summary.certificates >= 4'"

# Lost and retired.
check "lost" camca device lost a-7 --reason stolen
check "as compromised" equal "$(state a-7) $(status a-7) $(reason a-7)" \
    'lost revoked keyCompromise'
check "it does not renew" renews_not a-7 'revoked|lost'
check "retired" camca device retire a-8 --reason 'taken down'
check "for the reason of that" equal "$(state a-8) $(reason a-8)" 'retired cessationOfOperation'
check "nothing leads back from lost" code device.move device release a-7 --reason x
check "a held one that was enrolled is not registered" sh -c "
    '$BIN/camca' device hold a-4 --reason x >/dev/null &&
    ! '$BIN/camca' device move a-4 registered --reason x"
check "but enrolled" camca device move a-4 enrolled --reason x

# The answer is lost after the commit; the gate stands still meanwhile.
check "planned" plan hold --device a-4 --reason x
kill -STOP "$GATE_PID"
camca revoke apply "$BATCH" >"$TMP/lost" 2>&1 &
LOST=$!
check "committed" eventually sh -c "'$BIN/camca' --json revoke show $BATCH |
    jq -e '.batch.state == \"applied\"'"
stop "$AUTHORITY_PID" KILL
check_not "no answer" wait "$LOST"
check "people are told what that means" grep -q 'may be changed, or not' "$TMP/lost"
start_authority
BEGAN=$(date +%s%N)
{ camca device hold a-4 --reason x; date +%s%N; } >"$TMP/moved" 2>&1 &
MOVED=$!
check "asked again: it is applied" code revoke.state revoke apply "$BATCH"
check "said only when no gate says good" test $(($(date +%s%N) - BEGAN)) -gt 3000000000
wait "$MOVED"
check "the device's own command says so" grep -q 'is held already' "$TMP/moved"
check "not before that, either" test $(($(tail -1 "$TMP/moved") - BEGAN)) -gt 3000000000
kill -CONT "$GATE_PID"
check "released" camca device release a-4 --reason x

# Two persons.
sed -i 's/^second_person_above:.*/second_person_above: 1/' \
    "$STATE/policies/rules/revocation.yaml"
BEFORE=$(camca --json policy list | jq -r .sha256)
check "the rules are checked" camca policy check
check "and loaded" camca policy reload
check "the hash covers them" sh -c "[ '$BEFORE' != \"\$('$BIN/camca' --json policy list | jq -r .sha256)\" ]"
check "a large batch" plan watch --device a-1 --device a-2 --reason x
check "needs a second person" jq -e .batch.needs_second_person "$TMP/plan"
check "is not applied before" code revoke.second-person revoke apply "$BATCH"
check "nor approved by the same" code revoke.same-person revoke approve "$BATCH"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	sed -i '/^users:/,/^[^ ]/ s/^  operators:.*/  operators: [nobody]/' "$STATE/camca.yaml"
	grep -q 'operators: \[nobody\]' "$STATE/camca.yaml" ||
	    printf 'users:\n  operators: [nobody]\n' >>"$STATE/camca.yaml"
	restart_authority
	cp "$BIN/camca" "$TMP/camca"
	check "by another one" setpriv --reuid nobody --regid "$(stat -c %G \
	    "$STATE/run/authority.sock")" --clear-groups "$TMP/camca" \
	    --state "$STATE" revoke approve "$BATCH"
	check "then it is applied" apply
	check "and says by whom" jq -e '.batch.approved_by | startswith("uid:")' "$TMP/applied"
	check "an event of that" event_has "type revoke.approved .*batch $BATCH "
fi
printf 'second_person_above: 1\n' >"$STATE/policies/rules/revocation.yaml"
check_not "a file that lacks a line is not loaded" camca policy reload
check "the old one stays" code revoke.second-person revoke apply "$(camca --json \
    revoke plan release --device a-1 --device a-2 --reason x | jq -r .batch.id)"
cp "$TOP/policies/rules/revocation.yaml" "$STATE/policies/rules/"
camca policy reload >/dev/null

# Old previews.
check "planned today" plan hold --device a-1 --reason x
restart_authority +25h
check "too old tomorrow" code revoke.expired revoke apply "$BATCH"
finish
