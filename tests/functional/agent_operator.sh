#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What people get wrong who set up a site: tables out of a spreadsheet, the
# wrong order, a name mistyped, an agent with wrong settings or started twice.
# Each is refused with the rule and what to do, and nothing is lost.
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_camera.sh"
. "$TOP/tests/lib_agent.sh"

# said EXIT TEXT COMMAND...: it ends with that code and says that
said() {
	local want=$1 text=$2 rc=0
	shift 2
	"$@" >"$TMP/said" 2>&1 || rc=$?
	[ "$rc" = "$want" ] && grep -qF -- "$text" "$TMP/said" && return 0
	echo "exit code $rc, wanted $want and '$text':"
	cat "$TMP/said"
	return 1
}
table() { # EXIT WHAT TEXT: what `camca WHAT` says of the table TEXT
	printf "$3" >"$TMP/table.csv"
	said "$1" "$4" camca $2 "$TMP/table.csv"
}
reach() { table "$1" "device reach --csv" "$2" "$3"; }
import() { table "$1" "secret import" "$2" "$3"; }

cameras fleet -n 2 --persona=modern --keygen-ms=50 || exit 1
agent_site
check "an agent before its site" said 1 "no site 's9'" camca agent add ra-9 --site s9
camca site add s2 --name Two --level 3 >/dev/null
agent_camera cam-0 0
agent_camera cam-1 1 s2
HERE=127.0.0.1
P0=$(camera_port 0 http),$(camera_port 0 https)

# ---- addresses out of a spreadsheet ----
check "addresses with a byte order mark" \
    reach 0 "\xef\xbb\xbfid,host,http_port,https_port\ncam-0,$HERE,$P0\n" "1 cameras"
check "with CRLF" reach 0 "id,host,http_port,https_port\r\ncam-0,$HERE,$P0\r\n" "1 cameras"
check "with quotes" reach 0 "\"id\",\"host\",http_port,https_port\n\"cam-0\",\"$HERE\",$P0\n" \
    "1 cameras"
check "with semicolons" reach 1 "id;host\ncam-0;$HERE\n" "and not by ';'"
check "in UTF-16" reach 1 "\xff\xfei\x00d\x00" "not UTF-8"
check "without a row" reach 1 "id,host\n" "no row"
check "an empty file" reach 1 "" "no row"
check "no file" said 1 "there is no such file" camca device reach --csv "$TMP/none"
check "a folder" said 1 "it is a folder" camca device reach --csv "$TMP"
check "a port that is none" reach 1 "id,host,http_port\ncam-0,$HERE,web\n" \
    "table.csv:2: http_port is a number"
check "quotes that do not end" reach 1 "id,host\n\"cam-0,$HERE\n" "quotes that do not end"
check "quotes that end in quotes" reach 1 "id,host\ncam-0,\"$HERE\"\"\n" "quotes that do not end"
check "a column that is not known" reach 1 "id,host,mac\ncam-0,$HERE,x\n" "reach.header"
check "a column twice" reach 1 "id,host,host\ncam-0,$HERE,x\n" "reach.header"
check "two rows for one camera" reach 1 "id,host\ncam-0,$HERE\ncam-0,192.0.2.1\n" \
    "csv:3: The id is that of line 2"
check "a device that is not there" reach 1 "id,host\nnope,$HERE\n" "[device.unknown]"
printf 'id,host\nnope,%s\ncam-0,%s\n' "$HERE" "$HERE" >"$TMP/table.csv"
check "and that as JSON" equal "$(camca --json device reach --csv "$TMP/table.csv" 2>/dev/null |
    jq -c '[.set, .errors[0].line, .errors[0].code]')" '[1,2,"device.unknown"]'
for h in "$HERE:8080" cam.example:80 fe80::1%%eth0 '[::1]' ::g; do
	check "a host that is $h" reach 1 "id,host\ncam-0,$h\n" "[reach.host]"
done
check "an IPv6 address is one" reach 0 "id,host,http_port,https_port\ncam-0,2001:db8::7,$P0\n" \
    "1 cameras"
check "a path with quotes" said 1 "has no blanks, quotes" camca device reach cam-0 \
    --host "$HERE" --path '/onvif/"x"'
check "the address is right again" \
    reach 0 "id,host,http_port,https_port\ncam-0,$HERE,$P0\n" "1 cameras"

# ---- passwords ----
check "passwords with semicolons" import 1 "device;username;password\ncam-0;admin;x\n" \
    "and not by ';'"
check "two rows for one account" \
    import 1 "device,username,password\ncam-0,admin,a\ncam-0,admin,b\n" "csv:3: username"
check "an account of an agent" import 1 "device,username,password\nra-1,admin,a\n" "no camera"
mkfifo "$TMP/fifo" && ln -s fifo "$TMP/link"
for f in "$TMP/fifo" "$TMP/link" "$TMP"; do
	check "a password into $f, which is no file" said 1 "Nothing was revealed" \
	    camca secret reveal cam-0 --account admin --reason Test --out "$f"
done
check "which stays what it was" test -p "$TMP/fifo" -a -h "$TMP/link"
check "a reveal without a reason" said 2 "--reason is missing" \
    camca secret reveal cam-0 --account admin
check "with an empty one" said 1 "stand in the record" \
    camca secret reveal cam-0 --account admin --reason "" --out "$TMP/r"
check "into a folder that is not there" said 1 "Nothing was revealed" \
    camca secret reveal cam-0 --account admin --reason x --out "$TMP/none/r"
check "and nothing was" equal "$(camca --json event list --device cam-0 |
    jq '[.items[] | select(.type == "secret.revealed")] | length')" 0
check "of an account that is not there" said 1 "no password of 'root'" \
    camca secret reveal cam-0 --account root --reason x --out "$TMP/r"
check_not "and no file is left" test -e "$TMP/r"
check "a reveal as JSON tells the job, not the password" equal "$(camca --json secret reveal cam-0 \
    --account admin --reason x --out "$TMP/r" | jq -c '[.under_way, (.job > 0)]') $(cat "$TMP/r")" \
    '[false,true] admin'

# ---- jobs ----
check "a job for nobody" said 1 "one of the two" camca job create observe
check "for a camera that is not there" said 1 "[device.unknown]" camca job create observe --device nope
check "for an agent" said 1 "is no camera" camca job create observe --device ra-1
camca site add s3 --name Three --level 1 >/dev/null
check "for a site without cameras" said 1 "[job.none]" camca job create observe --site s3
camca device add --id cam-9 --manufacturer A --model B --serial 9 --site s3 >/dev/null
check "for a site without addresses" said 1 "camca device reach" camca job create observe --site s3
check "at a time that is none" said 1 "2026-11-22T22:00:00Z" \
    camca job create observe --device cam-0 --at soon
check "jobs of a site that is not there" said 1 "no site 's9'" camca job list --site s9
check "its agents" said 1 "no site 's9'" camca agent list --site s9
camca --json job create enroll --site s2 --mode plan --reason x >"$TMP/plan"
check "a level's papers are asked for before the camera is touched" \
    equal "$(jq -c '[.not_admitted, (.admission | test("certificate of origin"))]' "$TMP/plan")" \
    '[1,true]'
J=$(job cam-0 observe)
check "a job that waits is given up" camca job cancel "$J" --reason x
check "a second time" said 1 "nothing to give up" camca job cancel "$J" --reason x
check "and is not tried again" said 1 "camca job create makes another" camca job retry "$J"
J=$(job cam-0 enroll)
camca device retire cam-0 --reason "taken down" >/dev/null
check "a camera that is retired" said 1 "is retired" camca job create renew --device cam-0
check "its job does not run" sh -c '"$1/camca-agent" --config "$2/ra-1.conf" once && [ "$(
    "$1/camca" --json job show '"$J"' | jq -r .job.state)" != done ]' - "$BIN" "$TMP"

# ---- the agent ----
AGENT=$BIN/camca-agent
settings() { # SED...: settings of another one, whose folder is new
	rm -rf "$TMP/other.dir"
	sed -e "s|^dir = .*|dir = $TMP/other.dir|" "$@" "$TMP/ra-1.conf" >"$TMP/other.conf"
}
agent_start
check "it runs" eventually sh -c '"$1" --json agent list | jq -e ".items[0].seen"' - "$BIN/camca"
check "a second one with its folder" said 1 "Another camca-agent works in" \
    "$AGENT" -c "$TMP/ra-1.conf" once
agent_end
check "when it has ended the folder is free" "$AGENT" -c "$TMP/ra-1.conf" once
check "a wrong option" said 2 "unrecognized option" "$AGENT" --nope
check "no settings" said 1 "--config FILE names another" "$AGENT" -c "$TMP/none" once
settings -e 's/^url/ulr/'
check "a setting that is not known" said 1 "ulr: unknown setting" "$AGENT" -c "$TMP/other.conf" once
settings -e 's|^url = .*|url = https://localhost:1|'
check "no gate" said 1 "Connection refused" "$AGENT" -c "$TMP/other.conf" once
sed 's|^url = .*|url = https://localhost:1|' "$TMP/ra-1.conf" >"$TMP/other.conf"
check "no gate, with a certificate" said 1 "[agent.gate]" "$AGENT" -c "$TMP/other.conf" once
settings -e 's|^secret-file = .*|secret-file = /nonexistent|'
check "no secret" said 1 "/nonexistent cannot be read" "$AGENT" -c "$TMP/other.conf" once
settings -e '/^secret-file/d'
check "none set" said 1 "camca enroll secret ra-1" "$AGENT" -c "$TMP/other.conf" once
settings
check "one that was used" said 1 "camca enroll secret ra-1 makes a new" \
    "$AGENT" -c "$TMP/other.conf" once
settings -e '/^trust/d'
check "no root" said 1 "camca ca certificate root" "$AGENT" -c "$TMP/other.conf" once
agent_add ra-2 s1
chmod 644 "$TMP/ra-2.secret"
check "a secret that others can read" said 0 "chmod 600" "$AGENT" -c "$TMP/ra-2.conf" once
finish
