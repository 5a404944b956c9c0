#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# hsm/ against modules that are not SoftHSM: the test program of its contract
# runs on tpm2-pkcs11 over a software TPM, and on openCryptoki's soft token
# where namespaces let it keep out of the machine's own /var.
#
# Debian packages: libtpm2-pkcs11-1 swtpm tpm2-tools tpm2-abrmd
# libtss2-tcti-swtpm0 libtss2-tcti-tabrmd0 dbus-daemon opensc; opencryptoki.
# Without one of the first group: "skipped: reason", exit 77.
set -eu
umask 077

build=${BUILD:-build}
program=$build/tests/unit/hsm/test_hsm
lib=/usr/lib/$(uname -m)-linux-gnu
tpm_module=$lib/libtpm2_pkcs11.so.1
ock_module=$lib/opencryptoki/libopencryptoki.so.0
so_pin=87654321
user_pin=11223344

skip()
{
	echo "skipped: $*"
	exit 77
}

die()
{
	echo "failed: $*" >&2
	exit 1
}

# Until the command works, 10 s at most.
wait_for()
{
	tries=100
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# Runs the test program on the token "camca" of module $1, key types $2.
run_test()
{
	printf '%s\n' "$user_pin" > "$dir/pin"
	# Memory that somebody else's module loses is not looked for.
	ASAN_OPTIONS=detect_leaks=0 \
	CAMCA_TEST_MODULE=$1 CAMCA_TEST_TOKEN_URI='pkcs11:token=camca' \
	CAMCA_TEST_PIN_FILE=$dir/pin CAMCA_TEST_TYPES=$2 \
	    "$program" || die "test_hsm with $1"
}

# $1 module, $2 the officer's PIN that the token has after C_InitToken.
init_pin()
{
	pkcs11-tool --module "$1" --token-label camca --init-pin --login \
	    --login-type so --so-pin "$2" --new-pin "$user_pin" >/dev/null
}

# Inside a D-Bus session of its own: a resource manager, as the kernel has one
# in front of a real TPM, because the TPM holds three keys at a time.
inside_tpm()
{
	tpm2-abrmd --session --allow-root --tcti="swtpm:path=$dir/tpm" \
	    > "$dir/abrmd.log" 2>&1 &
	abrmd=$!
	# Ends with this shell, whatever happens.
	trap 'kill "$abrmd" 2>/dev/null; wait "$abrmd" || :' EXIT
	export TPM2TOOLS_TCTI=tabrmd:bus_type=session
	export TPM2_PKCS11_TCTI=tabrmd:bus_type=session
	export TPM2_PKCS11_STORE="$dir/store"
	export TSS2_LOG=all+none
	wait_for tpm2_getrandom --hex 4 || die "no TPM: $(cat "$dir/abrmd.log")"
	mkdir "$dir/store"
	pkcs11-tool --module "$tpm_module" --slot-index 0 --init-token \
	    --label camca --so-pin "$so_pin" >/dev/null
	init_pin "$tpm_module" "$so_pin"
	# A TPM 2.0 of this make has no RSA 4096.
	run_test "$tpm_module" 'ec-p256 ec-p384 rsa-2048 rsa-3072'
}

tpm()
{
	for c in swtpm tpm2_getrandom tpm2-abrmd dbus-run-session pkcs11-tool; do
		command -v "$c" >/dev/null || skip "$c is not installed"
	done
	[ -e "$tpm_module" ] || skip "libtpm2-pkcs11-1 is not installed"
	[ -e "$lib/libtss2-tcti-tabrmd.so.0" ] ||
	    skip "libtss2-tcti-tabrmd0 is not installed"
	mkdir "$dir/state"
	swtpm socket --tpm2 --tpmstate "dir=$dir/state" \
	    --server "type=unixio,path=$dir/tpm" \
	    --ctrl "type=unixio,path=$dir/tpm.ctrl" \
	    --flags not-need-init,startup-clear > "$dir/swtpm.log" 2>&1 &
	swtpm=$!
	wait_for test -S "$dir/tpm" || die "swtpm: $(cat "$dir/swtpm.log")"
	dbus-run-session -- "$0" inside-tpm "$dir" 2> "$dir/session.log" || {
		cat "$dir/session.log" >&2
		die "tpm2-pkcs11"
	}
	echo "tpm2-pkcs11 on swtpm: ok (ec-p256 ec-p384 rsa-2048 rsa-3072)"
}

# Inside mount, IPC and process namespaces: openCryptoki's folders are fixed and
# its daemon forks; here it sees empty folders and dies with this shell.
inside_ock()
{
	for d in /var/lib/opencryptoki /run/lock /var/log; do
		mount -t tmpfs tmpfs "$d"
	done
	mkdir -p /var/log/opencryptoki /run/lock/opencryptoki/swtok \
	    /var/lib/opencryptoki/swtok/TOK_OBJ
	chgrp -R pkcs11 /run/lock/opencryptoki /var/lib/opencryptoki
	chmod -R 770 /run/lock/opencryptoki /var/lib/opencryptoki
	pkcsslotd
	wait_for pkcs11-tool --module "$ock_module" --list-slots ||
	    die "pkcsslotd"
	# The soft token's officer starts with this well-known PIN, which has to
	# be changed before it does anything else.
	pkcs11-tool --module "$ock_module" --slot 3 --init-token \
	    --label camca --so-pin 87654321 >/dev/null
	pkcs11-tool --module "$ock_module" --slot 3 --login --login-type so \
	    --so-pin 87654321 --change-pin --new-pin 12345678 >/dev/null
	init_pin "$ock_module" 12345678
	# Its soft token has no elliptic curves in this version.
	run_test "$ock_module" 'rsa-2048 rsa-3072 rsa-4096'
}

ock()
{
	if ! [ -e "$ock_module" ] || ! command -v pkcsslotd >/dev/null; then
		echo "openCryptoki: not run, not installed"
	elif [ "$(id -u)" -ne 0 ] || ! unshare -m -i -p -f true 2>/dev/null; then
		echo "openCryptoki: not run, no namespaces"
	else
		unshare -m -i -p -f --mount-proc "$0" inside-ock "$dir"
		echo "openCryptoki soft token: ok (rsa-2048 rsa-3072 rsa-4096)"
	fi
}

case ${1:-} in
inside-tpm)
	dir=$2
	inside_tpm
	exit 0
	;;
inside-ock)
	dir=$2
	inside_ock
	exit 0
	;;
esac

[ -x "$program" ] || die "$program is missing: make tests"
dir=$(mktemp -d "${TMPDIR:-/tmp}/camca-hsm2.XXXXXX")
swtpm=
trap '[ -z "$swtpm" ] || kill "$swtpm" 2>/dev/null || :; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM HUP
tpm
ock
