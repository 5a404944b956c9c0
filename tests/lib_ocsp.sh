# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For the tests of OCSP, on top of lib.sh: requests of every shape, answers as
# facts, one a line (tests/tools/ocsp_probe.c).

PROBE=$BIN/tests/tools/ocsp_probe

# ocsp_start: both daemons; $TMP/root.pem, $TMP/ec.pem; waits for the responder.
ocsp_start() {
	camca_start
	ocsp_ready
}
ocsp_ready() {
	[ -f "$TMP/ec.pem" ] || camca ca certificate ec >"$TMP/ec.pem"
	OCSP=http://127.0.0.1:$HTTP_PORT/ocsp
	ocsp_make ready -n 16 "$(cert_serial "$TMP/ec.pem")" root
	eventually ocsp_signed ready root || { cat "$TMP/gate.log"; exit 1; }
}
ocsp_signed() { # NAME CA
	ocsp_post "$1" && grep -q '^status=0$' <(ocsp_show "$1" "$2")
}
# The serial number of a certificate, upper-case hex.
cert_serial() {
	openssl x509 -in "$1" -noout -serial | cut -d= -f2
}

# ocsp_make NAME [options of ocsp_probe] SERIAL... [root|ec]: $TMP/NAME.req; the
# issuer is ec unless the last word names another CA ($TMP/CA.pem), which must
# not look like a number.
ocsp_make() {
	local name=$1 ca=ec
	shift
	case ${*: -1} in
	*[!0-9A-Fa-f-]*) ca=${*: -1}; set -- "${@:1:$#-1}" ;;
	ec) set -- "${@:1:$#-1}" ;;
	esac
	"$PROBE" make "$TMP/$ca.pem" "$@" >"$TMP/$name.req"
}
# ocsp_post NAME [curl options]: answer in NAME.resp, header in NAME.head,
# prints nothing; fails unless the HTTP status is 200.
ocsp_post() {
	local name=$1 got
	shift
	got=$(curl -s -m 20 -o "$TMP/$name.resp" -D "$TMP/$name.head" \
	    -w '%{http_code}' -H 'Content-Type: application/ocsp-request' \
	    --data-binary "@$TMP/$name.req" "$@" "$OCSP")
	[ "$got" = 200 ] || { echo "HTTP status $got"; return 1; }
}
# ocsp_get NAME [curl options]: the same by GET.
ocsp_get() {
	local name=$1
	shift
	ocsp_raw "$name" "/ocsp/$(base64 -w 0 "$TMP/$name.req" |
	    sed -e 's/+/%2B/g' -e 's,/,%2F,g' -e 's/=/%3D/g')" 200 "$@"
}
# ocsp_raw NAME PATH STATUS [curl options]
ocsp_raw() {
	local name=$1 path=$2 want=$3 got
	shift 3
	got=$(curl -s -m 20 --path-as-is -o "$TMP/$name.resp" \
	    -D "$TMP/$name.head" -w '%{http_code}' "$@" \
	    "http://127.0.0.1:$HTTP_PORT$path")
	[ "$got" = "$want" ] || { echo "HTTP status $got"; return 1; }
}
# ocsp_show NAME [CA]: the facts of NAME.resp.
ocsp_show() {
	if [ -f "$TMP/$1.req" ]; then
		"$PROBE" show "$TMP/${2:-ec}.pem" "$TMP/$1.resp" "$TMP/$1.req"
	else
		"$PROBE" show "$TMP/${2:-ec}.pem" "$TMP/$1.resp"
	fi
}
# says NAME FACT...: each is a line of ocsp_show; root/NAME: of another CA.
says() {
	local name=${1##*/} ca=ec f
	[ "$name" = "$1" ] || ca=${1%/*}
	shift
	ocsp_show "$name" "$ca" >"$TMP/$name.facts" || return 1
	for f in "$@"; do
		grep -qxF -- "$f" "$TMP/$name.facts" ||
		    { echo "missing: $f"; cat "$TMP/$name.facts"; return 1; }
	done
}
# asked NAME FACT...: posts and says.
asked() {
	local name=${1##*/}
	ocsp_post "$name" && says "$@"
}
fact() { # NAME KEY
	ocsp_show "$1" | sed -n "s/^$2=//p"
}
# The value of a header field of the last answer.
ocsp_field() { # NAME FIELD
	tr -d '\r' <"$TMP/$1.head" | awk -v n="$(echo "$2" | tr A-Z a-z)" \
	    -F': ' 'tolower($1) == n { print substr($0, length($1) + 3) }'
}
