#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Factory identities: line E9, and E2, E8 where they meet it (IEEE 802.1AR).
. "$(dirname "$0")/../lib.sh"
. "$TOP/tests/lib_est.sh"
. "$TOP/tests/lib_idevid.sh"
need openssl curl
policies
profile only-idevid camera-ec 's/auth: .*/auth: [idevid]/'
profile only-secret camera-ec 's/auth: .*/auth: [secret]/'
profile both camera-ec 's/auth: .*/auth: [idevid_and_secret]/'
sed -i 's/need_hardware_identity: false/need_hardware_identity: true/' \
    "$POLICIES/levels/level-2.yaml"
est_init --policies "$POLICIES"
camca_start

check "E9 a maker" maker_init Acme
maker_crl Acme
# camera ID: registered as Acme SN-ID, with a factory identity and a CSR.
camera() { device "$@" && factory Acme "SN-$1" "$TMP/$1.id" && csr "$TMP/$1"; }
# by_factory ID [LABEL/]: enrolls with the factory identity alone
by_factory() {
	accepts "${2:-}simpleenroll" "$TMP/$1" --cert "$TMP/$1.id.pem" \
	    --key "$TMP/$1.id.key"
}
no_factory() { # STATUS WORDS ID [LABEL/]
	refuses "$1" "$2" "${4:-}simpleenroll" "$TMP/$3" --cert "$TMP/$3.id.pem" \
	    --key "$TMP/$3.id.key"
}

camera cam-1
check "E9 a maker that is not pinned" no_factory 403 'pinned' cam-1
check "E9 the maker's root is pinned" camca vendor add Acme --roots "$TMP/Acme/root.pem"
check "E9 without any CRL: refused, fail closed" no_factory 403 'CRL .*missing' cam-1
check "E9 the maker's CRLs are taken" camca vendor crl Acme --crls "$TMP/Acme/crls.pem"
check "E9 now the camera enrolls, though its identity never ends" by_factory cam-1
check "E9 never is 9999-12-31" sh -c "openssl x509 -in '$TMP/cam-1.id.pem' -noout \
    -enddate | grep -q 'Dec 31 23:59:59 9999'"
check "E9 the certificate has the inventory's names" equal "$(openssl x509 -in \
    "$TMP/cam-1.pem" -noout -subject -nameopt compat)" \
    'subject=/CN=cam-1/serialNumber=SN-cam-1'
check "E9 the event says how" event_has 'type cert.issued .*auth idevid' cam-1

# Which device it is: the subject's serialNumber, or hwSerialNum.
device cam-hw
FACTORY_SUBJECT=/O=Acme/CN=hardware factory Acme - "$TMP/cam-hw.id" -addext \
    "subjectAltName=otherName:1.3.6.1.5.5.7.8.4;SEQ:hw" -config <(cat <<-EOT
	[req]
	distinguished_name = dn
	[dn]
	[hw]
	type = OID:1.3.6.1.4.1.55555.1
	serial = FORMAT:ASCII,OCT:SN-cam-hw
	EOT
)
csr "$TMP/cam-hw"
check "E9 hwSerialNum of HardwareModuleName" by_factory cam-hw
factory Acme SN-nobody "$TMP/cam-2.id"
csr "$TMP/cam-2"
check "E9 a serial that is not in the inventory" no_factory 403 'registered' cam-2
maker_init Zenith
maker_crl Zenith
factory Zenith SN-cam-1 "$TMP/zenith.id"
csr "$TMP/zenith"
camca vendor add Zenith --roots "$TMP/Zenith/root.pem" >/dev/null
camca vendor crl Zenith --crls "$TMP/Zenith/crls.pem" >/dev/null
check "E9 another maker's device of the same serial is another device" \
    no_factory 403 'registered' zenith
FACTORY_SUBJECT=/O=Acme/CN=nameless factory Acme - "$TMP/nameless.id"
csr "$TMP/nameless"
check "E9 no serial number at all" no_factory 403 'no serial' nameless

# The chain, by our code.
camera cam-3
cp "$TMP/cam-3.id.pem" "$TMP/whole.pem"
cp "$TMP/cam-3.id.leaf.pem" "$TMP/cam-3.id.pem"
check "E9 without its intermediate CA" no_factory 403 'chain' cam-3
cp "$TMP/whole.pem" "$TMP/cam-3.id.pem"
FACTORY_END=20210101000000Z factory Acme SN-cam-3 "$TMP/old.id"
csr "$TMP/old"
check "E9 one with an end, which is past" no_factory 403 'expired' old
factory Acme SN-cam-3 "$TMP/server.id" -addext extendedKeyUsage=serverAuth
csr "$TMP/server"
check "E9 one for servers only" no_factory 403 'client authentication' server
factory Acme SN-cam-3 "$TMP/client.id" -addext extendedKeyUsage=clientAuth
csr "$TMP/client"
FACTORY_EXT=signing-ca factory Acme SN-cam-3 "$TMP/subca.id"
csr "$TMP/subca"
check "E9 one that is a CA" no_factory 403 '.' subca
maker_init Other
FACTORY_SUBJECT=/O=Acme/serialNumber=SN-cam-3 factory Other - "$TMP/fake.id"
csr "$TMP/fake"
check "E9 of a CA that is not pinned, with the right serial" no_factory 403 pinned fake
check "E9 one with clientAuth is fine" by_factory client

# Revocation: what only a CRL knows must count.
camera cam-4
factory_revoke Acme "$TMP/cam-4.id"
maker_crl Acme
camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
check "E9 revoked, and only the CRL says so" no_factory 403 'revoked' cam-4
check "E9 which is an event" event_has 'enroll.refused .*rule idevid.revoked'
camera cam-5
check "E9 others of this maker still enroll" by_factory cam-5
camera cam-6
crl_is() { # [last next]: the stored CRLs have these times
	maker_crl Acme "$@" &&
	    camca vendor crl Acme --crls "$TMP/Acme/crls.pem" >/dev/null
}
crl_is '-60 days' '-30 days'
check "E9 a CRL past its next update: refused" no_factory 403 'nextUpdate' cam-6
check "E9 the revoked one stays revoked by it" no_factory 403 'revoked' cam-4
crl_is '+30 days' '+60 days'
check "E9 a CRL of the future: refused" no_factory 403 'not valid yet' cam-6
camca vendor crl Acme --crls "$TMP/Acme/root.crl.pem" >/dev/null
check "E9 the intermediate's CRL is missing: refused" no_factory 403 'missing' cam-6
maker_init Twin Acme
maker_crl Twin
check_not "E9 a CRL in the root's name by another key is not taken" \
    camca vendor crl Acme --crls "$TMP/Twin/root.crl.pem"
cat "$TMP/Acme/root.crl.pem" "$TMP/Twin/sub.crl.pem" >"$TMP/mixed.pem"
camca vendor crl Acme --crls "$TMP/mixed.pem" >/dev/null
check "E9 one in the intermediate's name by another key: refused" \
    no_factory 403 'not signed' cam-6
maker_crl Other '-60 days' '-30 days'
camca vendor add Grace --roots "$TMP/Other/root.pem" --crl-grace 60d >/dev/null
camca vendor crl Grace --crls "$TMP/Other/crls.pem" >/dev/null
camca device add --id cam-g --manufacturer Grace --model M --serial SN-cam-3 \
    --site site1 >/dev/null
check "E9 an old CRL within the grace that the operator gave" by_factory fake
crl_is
check "E9 with good CRLs it enrolls" by_factory cam-6

# E9: level 2 here asks for a factory identity.
camera cam-7 2
check "E9 where the level asks for hardware, a secret is not enough" refuses 403 \
    '.' simpleenroll "$TMP/cam-7" -u "cam-7:$SECRET"
check "E9 a factory identity is" by_factory cam-7

# E2: the ways in, by label.
camera cam-8
LOGIN=(-u "cam-8:$SECRET")
ID8=(--cert "$TMP/cam-8.id.pem" --key "$TMP/cam-8.id.key")
check "E2 label idevid: not by secret" refuses 403 'certificate|secret' \
    only-idevid/simpleenroll "$TMP/cam-8" "${LOGIN[@]}"
check "E2 label idevid: not by nothing" refuses 403 'client certificate' \
    only-idevid/simpleenroll "$TMP/cam-8"
check "E2 label secret: not by factory identity" no_factory 403 'factory' cam-8 \
    only-secret/
check "E2 label both: not by secret alone" refuses 403 'secret alone' \
    both/simpleenroll "$TMP/cam-8" "${LOGIN[@]}"
check "E2 label both: factory identity alone asks for the secret" \
    no_factory 401 'secret' cam-8 both/
check "E2 with a challenge" equal "$(field WWW-Authenticate "$TMP/cam-8")" \
    'Basic realm="camca"'
camera cam-9
check "E2 label both: another device's secret" refuses 403 'two devices' \
    both/simpleenroll "$TMP/cam-8" "${ID8[@]}" -u "cam-9:$SECRET"
check "E2 label both: both" accepts both/simpleenroll "$TMP/cam-8" \
    "${ID8[@]}" "${LOGIN[@]}"
check "E2 the event says so" event_has 'cert.issued .*auth cert.secret' cam-8
check "E2 label idevid: by factory identity" by_factory cam-9 only-idevid/

# E8, A7: a maker cannot make registration authorities, nor pin our own CA.
device site-ra 1 --kind ra
factory Acme SN-site-ra "$TMP/site-ra.id" -addext \
    extendedKeyUsage=clientAuth,1.3.6.1.5.5.7.3.28
device cam-10
csr "$TMP/cam-10" -subj /CN=cam-10
check "E8 cmcRA of a maker's CA speaks for nobody" refuses 403 '.' \
    simpleenroll "$TMP/cam-10" \
    --cert "$TMP/site-ra.id.pem" --key "$TMP/site-ra.id.key"
check "E8 nothing was issued" equal "$(camca --json cert list --device cam-10 |
    jq '.items | length')" 0
camca ca certificate ec >"$TMP/ours.pem"
check_not "A7 the root of ours is no maker's" camca vendor add Us --roots "$TMP/root.pem"
check_not "A7 nor is the issuing CA" camca vendor add Us --roots "$TMP/ours.pem"
check_not "A7 nor is a camera's certificate" camca vendor add Us --roots "$TMP/cam-1.pem"
finish
