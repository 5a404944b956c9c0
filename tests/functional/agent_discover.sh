#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# camca-agent discover finds a camera by IPv6 alone, over the group of the link:
# two network namespaces with one cable between them.
if [ "${OWN_NET:-}" != 1 ]; then
	unshare -rn ip link add v0 type veth peer name v1 2>/dev/null || {
		echo "skipped: no network of its own to be had"
		exit 77
	}
	OWN_NET=1 exec unshare -rn "$0"
fi
. "$(dirname "$0")/../lib.sh"
need jq

# The end of the cable, with an address of the link that needs no waiting.
plug() { # NAME ADDRESS
	ip link set "$1" addrgenmode none up &&
	    ip -6 addr add "$2/64" dev "$1" nodad
}
ip link set lo up
ip link add v0 type veth peer name v1
mkfifo "$TMP/go" "$TMP/end"
unshare -n bash -c "$(declare -f plug)"'
	echo $$ >"$1/inner"
	read -r _ <"$1/go"
	ip link set lo up
	plug v1 fe80::2
	exec "$2" --listen ::1 --discovery-port 3702 --with-stdin <"$1/end" \
	    >"$1/camera.json" 2>"$1/camera.log"' - "$TMP" \
    "$BIN/camca-fake-camera" &
PIDS+=("$!")
check "a network of its own" eventually test -s "$TMP/inner"
ip link set v1 netns "$(cat "$TMP/inner")" && plug v0 fe80::1
exec 7>"$TMP/go"
echo >&7
exec 8>"$TMP/end"
check "a camera there" eventually test -s "$TMP/camera.json"
found() {
	"$BIN/camca-agent" discover --wait 700 >"$TMP/found" 2>"$TMP/found.log"
}
check "cameras are asked for" found
check "it is found, with the link in its address" grep -q \
    "^fe80::2%v0	Default-1" "$TMP/found"
check "once" equal "$(wc -l <"$TMP/found")" 2
exec 8>&-
finish
