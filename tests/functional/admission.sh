#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# May this device have a certificate now? Levels, documents, assessments, states
# and the weight of a factory identity, asked at each enrollment and renewal.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl jq
policies
sed -i 's/^assessment_replaces_documents: false/assessment_replaces_documents: true/' \
    "$POLICIES/levels/level-4.yaml"
sed -i -e 's/^need_hardware_identity: false/need_hardware_identity: true/' \
    -e 's/^approval: true/approval: false/' "$POLICIES/levels/level-5.yaml"
sed -i 's/^max_validity: .*/max_validity: 30d/' "$POLICIES/levels/level-2.yaml"
est_init --policies "$POLICIES"
camca_start
declare -A S

day() { date -u -d "$1" +%F; }
SHA=$(printf 'paper' | sha256sum | cut -d' ' -f1)
# document DEVICE KIND DATE [options]
document() {
	camca device document "$1" --kind "$2" --number "$2-1" --date "$3" \
	    --issuer "Office" --sha256 "$SHA" "${@:4}" >/dev/null
}
papers() { # DEVICE: all that level 3 asks for
	document "$1" origin 2026-01-02 && document "$1" quality 2026-01-03 &&
	    document "$1" assessment "$(day '-30 days')" --passed true
}
camera() { # ID LEVEL: with CSR $TMP/ID
	device "$@" && csr "$TMP/$1"
	S[$1]=$SECRET
}
login() { echo "$1:${S[$1]}"; }
gets() { accepts simpleenroll "$TMP/$1" -u "$(login "$1")"; }
gets_not() { refuses 403 "$2" simpleenroll "$TMP/$1" -u "$(login "$1")"; }
renew() { # NEW OLD
	renew_csr "$TMP/$1" "$TMP/$2" && accepts simplereenroll "$TMP/$1" \
	    --cert "$TMP/$2.pem" --key "$TMP/$2.key"
}
renew_not() { # NEW OLD WORDS
	renew_csr "$TMP/$1" "$TMP/$2" && refuses 403 "$3" simplereenroll "$TMP/$1" \
	    --cert "$TMP/$2.pem" --key "$TMP/$2.key"
}

# Levels 1 and 2 of the files that come with camca ask for no papers.
camera a-1 1
check "level 1: no documents asked for" gets a-1
camera a-2 2
if grep -q '^need_origin: true' "$POLICIES/levels/level-2.yaml"; then
	check "level 2 asks for documents" gets_not a-2 'level 2'
	papers a-2
fi
check "level 2" gets a-2
left() { # days of a certificate's life
	echo $((($(date -d "$(openssl x509 -in "$1" -noout -enddate | cut -d= -f2)" +%s) -
	    $(date +%s)) / 86400))
}
check "a level cuts the life of a certificate" [ "$(left "$TMP/a-2.pem")" -le 30 ]
check "another level does not" [ "$(left "$TMP/a-1.pem")" -gt 300 ]

# Level 3: one after the other is missing.
camera b-1 3
check "level 3, nothing there: both documents are named" gets_not b-1 \
    'level 3.*missing: certificate of origin, certificate of quality'
document b-1 origin 2026-01-02
check "origin there: quality is named" gets_not b-1 'missing: certificate of quality'
document b-1 letter 2026-01-02
check "a letter is no certificate" gets_not b-1 'missing: certificate of quality'
document b-1 quality 2026-01-03
check "both there: an assessment is missing" gets_not b-1 'passed assessment in force; there is none'
document b-1 assessment "$(day '-30 days')" --passed false
check "an assessment that was not passed" gets_not b-1 'not passed'
document b-1 assessment "$(day '-20 days')" --passed true
check "a later one that was: admitted" gets b-1
check "each document is an event, with its hash" equal "$(events b-1 |
    grep -c "device.document.*sha256 $SHA")" 5
check "each refusal names its rule" equal "$(events b-1 | jq -r .body |
    grep -oE '^rule admit\.[a-z-]+' | sort | uniq -c | awk '{ printf "%s %s;", $1, $3 }')" \
    '1 admit.assessment-failed;1 admit.assessment-missing;3 admit.provenance-missing;'
check "the decision names the policy in force" event_has \
    "type cert.issued .*policy $(camca --json policy list | jq -r .sha256)" b-1

camera b-2 3
papers b-2
document b-2 assessment "$(day '-10 days')" --passed false
check "the newest assessment counts, not the best" gets_not b-2 'not passed'
camera b-3 3
document b-3 origin 2026-01-02
document b-3 quality 2026-01-03
document b-3 assessment "$(day '-400 days')" --passed true
check "an assessment older than the interval of the level" gets_not b-3 "older than the level's interval"
camera b-4 3
document b-4 origin 2026-01-02
document b-4 quality 2026-01-03
document b-4 assessment "$(day '-100 days')" --passed true --expires "$(day '-1 day')"
check "an assessment that says it has ended" gets_not b-4 'run out'
camera b-5 3
document b-5 origin "$(day '+10 days')"
document b-5 quality 2026-01-03
document b-5 assessment "$(day '-1 day')" --passed true
check "a document from the future" gets_not b-5 'certificate of origin'
camera b-6 3
papers b-6
document b-6 assessment "$(day '+10 days')" --passed true
check "an assessment from the future hides none that counts" gets b-6
camera b-7 3
document b-7 origin 2026-01-02 --expires "$(day '-1 day')"
document b-7 quality 2026-01-03
document b-7 assessment "$(day '-1 day')" --passed true
check "a certificate of origin that has ended" gets_not b-7 'certificate of origin'
check "one camera's papers are no other's" gets_not b-7 'b-7'
check "a document needs a hash" not camca device document b-7 --kind origin --number 1 \
    --date 2026-01-01 --issuer X
check "a document needs a date" not camca device document b-7 --kind origin --number 1 \
    --date 2026-13-01 --issuer X --sha256 "$SHA"
check "an assessment needs its outcome" not camca device document b-7 --kind assessment \
    --number 1 --date 2026-01-01 --issuer X --sha256 "$SHA"
printf 'paper' >"$TMP/paper.pdf"
hash_of_file() {
	camca --json device document b-7 --kind letter --number 9 --date 2026-01-01 \
	    --issuer X --file "$TMP/paper.pdf" | jq -r .document.sha256
}
check "of a file its hash is kept" equal "$(hash_of_file)" "$SHA"

# Level 4, changed: an assessment stands in for papers.
camera c-1 4
check "level 4: refused, and told what would do" gets_not c-1 'or a passed assessment in force'
document c-1 assessment "$(day '-1 day')" --passed true
approve() { # where the level asks for a person
	local id
	id=$(camca --json enroll list | jq -r ".items[] | select(.device == \"$1\") | .id")
	[ -z "$id" ] || camca enroll approve "$id" >/dev/null
}
est_post simpleenroll "$TMP/c-1" -u "$(login c-1)" >/dev/null
approve c-1
check "level 4: an assessment instead of documents" gets c-1

# Level 5, changed: a factory identity.
maker_init Acme
maker_crl Acme
camca vendor add Acme --roots "$TMP/Acme/root.pem" >/dev/null
camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
camera d-1 5
papers d-1
factory Acme SN-d-1 "$TMP/f1"
check "level 5: the secret alone is not enough" gets_not d-1 'factory identity'
check "level 5: the factory identity is" accepts simpleenroll "$TMP/d-1" \
    --cert "$TMP/f1.pem" --key "$TMP/f1.key"
check "level 5: renewal is by its own certificate" renew d-1b d-1
camera d-2 5
factory Acme SN-d-2 "$TMP/f2"
check "level 5: not without documents" refuses 403 'missing' simpleenroll "$TMP/d-2" \
    --cert "$TMP/f2.pem" --key "$TMP/f2.key"

# States.
move() { camca device move "$1" "$2" --reason "test of $2" >/dev/null; }
camera e-1 1
camera e-2 1
camera e-3 1
move e-2 retired
move e-3 lost
check "retired before it was put up" gets_not e-2 'retired'
check "lost before it was put up" gets_not e-3 'lost'
check "no secret for such a device" not camca enroll secret e-3
check "registered: can be held" move e-1 held
check "never enrolled: not released to enrolled" not move e-1 enrolled
check "held: does not enroll" not gets e-1
check "released to where it was" move e-1 registered
check "enrolls" gets e-1
check "nor become registered again" not move e-1 registered
move e-1 held
check "held: no renewal" renew_not e-1b e-1 'held|hold'
check "held: no secret" not camca enroll secret e-1
move e-1 enrolled
check "released: renews" renew e-1c e-1
for s in revoked retired lost; do
	camera "e-$s" 1
	check "$s: enrolls first" gets "e-$s"
	move "e-$s" $s
	check "$s: no renewal" renew_not "e-$s-b" "e-$s" 'revoked|retired|lost'
	check "$s: no enrollment" gets_not "e-$s" "$s"
	check "$s is for good" not move "e-$s" enrolled
	check "$s: the event has the reason" event_has \
	    "type device.moved .*from enrolled to $s reason test of $s" "e-$s"
done
camera e-4 1
check "what must be said is a reason" not camca device move e-4 lost
check "no such state" not move e-4 broken
check "no such device" not move nobody lost

# Renewal asks again, and so does time. The authority's clock moves, not ours.
check "level 3 renews" renew b-1b b-1
restart_authority +350d
check "an assessment that became too old stops the renewal" renew_not b-1c b-1b \
    "older than the level's interval"
check "a level without one goes on" renew a-1b a-1
document b-1 assessment "$(day '+349 days')" --passed true
check "assessed again, it renews" renew b-1c b-1b
finish
