# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A site with an agent and fake cameras; after lib.sh, lib_est.sh, lib_camera.sh.
#
#   agent_site                  camcad, gate, site s1, agent ra-1 (not started)
#   agent_camera ID N           camera N of the fleet becomes device ID, with its
#                               address and its factory password in the vault
#   agent_start, agent_end      the agent as a daemon; $AGENT_PID
#   agent_once                  all jobs there are, then it ends
#   job ID KIND [options]       makes a job, prints its number
#   ended JOB                   its state, waits until there is one
#   truth N FILTER              jq over what camera N really is

# For agent_rules: no job but those that the test makes. Others would meet what is
# meant for them.
# shellcheck disable=SC2034 # the caller's
NONE_DUE=(-e 's/observe_every: .*/observe_every: 0s/'
    -e 's/crl_every: .*/crl_every: 0s/')
# agent_rules SED...: of policies/rules/jobs.yaml; waits are short, times any.
agent_rules() {
	policies
	sed -i -e 's/^pause: .*/pause: 0s/' -e 's/^tls_wait: .*/tls_wait: 8s/' \
	    -e 's/^password_wait: .*/password_wait: 4s/' \
	    -e 's/window: "22:00-04:00"/window: any/' \
	    -e 's/^stop_after_failures: .*/stop_after_failures: 0/' \
	    -e 's/^login_window: .*/login_window: 0s/' \
	    "$@" "$POLICIES/rules/jobs.yaml"
}
agent_site() {
	[ -n "${POLICIES:-}" ] && [ -d "$POLICIES" ] || agent_rules
	est_init --policies "$POLICIES"
	camca_start
	camca site add s1 --name One --level 1 >/dev/null
	agent_add ra-1 s1
}
# agent_add ID SITE: registered, with settings in $TMP/ID.conf
agent_add() {
	camca --json agent add "$1" --site "$2" | jq -r .secret >"$TMP/$1.secret"
	cat >"$TMP/$1.conf" <<-CONF
	# settings of a test
	url = https://localhost:$EST_PORT
	id = $1
	secret-file = $TMP/$1.secret
	trust = $TMP/root.pem
	dir = $TMP/$1.dir
	user = $(id -un)
	concurrency = ${AGENT_CONCURRENCY:-32}
	poll = 1
	camera-timeout = 8
	key-timeout = ${AGENT_KEY_TIMEOUT:-60}
	CONF
}
agent_camera() {
	local serial
	serial=$(jq -r ".cameras[$2].serial" "$CAMERA_JSON")
	camca device add --id "$1" --manufacturer "${MAKER:-Rehearsal}" --model Any \
	    --serial "$serial" --site "${3:-s1}" >/dev/null &&
	    camca device reach "$1" --host 127.0.0.1 --http-port \
	    "$(camera_port "$2" http)" --https-port "$(camera_port "$2" https)" \
	    >/dev/null || return 1
	printf 'device,username,password,role,level\n%s,admin,%s,administrator,Administrator\n' \
	    "$1" "${CAMERA_PASSWORD:-admin}" >"$TMP/secret.csv"
	camca secret import "$TMP/secret.csv" >/dev/null
}
agent_program() { # ID [options]
	local id=$1
	shift
	"$BIN/camca-agent" --config "$TMP/$id.conf" --log-level info "$@"
}
agent_start() { # [ID]
	start "agent" env ${AGENT_ENV:-} "$BIN/camca-agent" --config \
	    "$TMP/${1:-ra-1}.conf" --log-level info run || return 1
	AGENT_PID=$LAST_PID
}
agent_end() {
	stop "$AGENT_PID"
}
agent_once() { # [ID]
	env ${AGENT_ENV:-} "$BIN/camca-agent" --config "$TMP/${1:-ra-1}.conf" \
	    --log-level info once 2>>"$TMP/agent.log"
}
job() {
	local device=$1 kind=$2
	shift 2
	camca --json job create "$kind" --device "$device" --reason test "$@" |
	    jq -r '.jobs[0]'
}
job_field() { # JOB FIELD
	camca --json job show "$1" | jq -r ".job.$2"
}
job_over() {
	case $(job_field "$1" state) in waiting | leased) return 1 ;; esac
}
ended() {
	eventually job_over "$1"
	echo "$(job_field "$1" state)$(job_field "$1" code |
	    sed -n 's/^\(..*\)/ \1/p' | grep -v null)"
}
# all_over DEVICE: no job of it waits or runs
all_over() {
	camca --json job list --device "$1" | jq -e \
	    '[.items[] | select(.state == "waiting" or .state == "leased")] == []' \
	    >/dev/null
}
truth() {
	camera_get "/cameras/$1" | jq -c "$2"
}
# A password of the vault as a person would get it; the rotation that this makes
# is given up again.
vault_password() { # DEVICE USER
	rm -f "$TMP/revealed"
	camca secret reveal "$1" "$2" --reason test --out "$TMP/revealed" \
	    >/dev/null || return 1
	cat "$TMP/revealed"
}
# served N: SHA-256 of the leaf that a handshake with camera N shows
served() {
	openssl s_client -connect "127.0.0.1:$(camera_port "$1" https)" \
	    </dev/null 2>/dev/null | openssl x509 -outform DER |
	    sha256sum | cut -d' ' -f1
}
# held DEVICE: SHA-256 of its newest certificate in the inventory
held() {
	camca --json cert show "$(sqlite3 "$STATE/db/camca.sqlite" "SELECT
	    lower(hex(cert.serial)) FROM cert JOIN device ON device = pk
	    WHERE device.id = '$1' ORDER BY cert.id DESC LIMIT 1")" |
	    jq -r .pem | openssl x509 -outform DER | sha256sum | cut -d' ' -f1
}
