# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A maker of cameras: root, intermediate CA and factory identities as IEEE
# 802.1AR has them, made with openssl ca, which also writes its CRLs.
#
#   maker_init Acme         root and intermediate in $TMP/Acme
#   factory Acme SN FILE    FILE.key, FILE.pem (leaf and intermediate)
#   maker_crl Acme          $TMP/Acme/crls.pem, good for 30 days

maker_conf() { # FOLDER NAME
	cat <<-EOT
	[ca]
	default_ca = $2
	[$2]
	new_certs_dir = $1
	database = $1/$2.txt
	serial = $1/$2.serial
	crlnumber = $1/$2.crlnumber
	certificate = $1/$2.pem
	private_key = $1/$2.key
	default_md = sha256
	policy = any
	unique_subject = no
	copy_extensions = copy
	[any]
	serialNumber = optional
	organizationName = optional
	commonName = optional
	[issuing]
	basicConstraints = critical,CA:TRUE,pathlen:0
	keyUsage = critical,keyCertSign,cRLSign
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	[signing-ca]
	basicConstraints = critical,CA:TRUE
	keyUsage = critical,digitalSignature,keyCertSign
	[idevid]
	basicConstraints = critical,CA:FALSE
	keyUsage = critical,digitalSignature
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	EOT
}

maker_authority() { # FOLDER NAME: empty database of an authority
	: >"$1/$2.txt"
	echo 1000 >"$1/$2.serial"
	echo 01 >"$1/$2.crlnumber"
	maker_conf "$1" "$2" >"$1/$2.conf"
}

maker_key() { # FILE
	openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2>/dev/null
}

maker_init() { # NAME [NAME-IN-CERTIFICATES]
	local d=$TMP/$1 a name=${2:-$1}
	mkdir -p "$d"
	for a in root sub; do
		maker_authority "$d" "$a"
		maker_key "$d/$a.key"
	done
	openssl req -x509 -key "$d/root.key" -out "$d/root.pem" -days 9000 \
	    -subj "/O=$name/CN=$name Device Root CA" \
	    -addext keyUsage=critical,keyCertSign,cRLSign &&
	openssl req -new -key "$d/sub.key" -subj "/O=$name/CN=$name Device CA 1" \
	    -out "$d/sub.csr" &&
	openssl ca -batch -notext -config "$d/root.conf" -in "$d/sub.csr" \
	    -out "$d/sub.pem" -days 8000 -extensions issuing 2>/dev/null
}

# factory MAKER SERIAL FILE [openssl req options]: no end of life (802.1AR 8.7).
# FACTORY_END changes that, FACTORY_SUBJECT the subject.
factory() {
	local d=$TMP/$1 serial=$2 f=$3
	shift 3
	maker_key "$f.key"
	openssl req -new -key "$f.key" -out "$f.csr" \
	    -subj "${FACTORY_SUBJECT:-/O=${d##*/}/serialNumber=$serial}" "$@" &&
	openssl ca -batch -notext -config "$d/sub.conf" -in "$f.csr" \
	    -out "$f.leaf.pem" -extensions "${FACTORY_EXT:-idevid}" \
	    -startdate 20200101000000Z \
	    -enddate "${FACTORY_END:-99991231235959Z}" 2>/dev/null &&
	cat "$f.leaf.pem" "$d/sub.pem" >"$f.pem"
}

factory_revoke() { # MAKER FILE
	openssl ca -config "$TMP/$1/sub.conf" -revoke "$2.leaf.pem" \
	    -crl_reason keyCompromise 2>/dev/null
}

# maker_crl MAKER [LAST NEXT]: both authorities' CRLs; times as date(1) takes
# them, "-60 days".
maker_crl() {
	local d=$TMP/$1 a t=(-crldays 30)
	[ $# -lt 3 ] || t=(-crl_lastupdate "$(date -u -d "$2" +%Y%m%d%H%M%SZ)"
	    -crl_nextupdate "$(date -u -d "$3" +%Y%m%d%H%M%SZ)")
	for a in root sub; do
		openssl ca -gencrl -config "$d/$a.conf" "${t[@]}" \
		    -out "$d/$a.crl.pem" 2>/dev/null || return 1
	done
	cat "$d/root.crl.pem" "$d/sub.crl.pem" >"$d/crls.pem"
}
