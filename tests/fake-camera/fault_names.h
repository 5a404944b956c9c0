/* SPDX-License-Identifier: Apache-2.0 */
/* X(id, name, default value, what the camera does) */
#ifndef FAKE_FAULT_NAMES_H
#define FAKE_FAULT_NAMES_H

#define FAULT_NAMES(X) \
	X(CLOCK_SKEW, "clock-skew", -63072000, \
	    "The clock is off by value seconds and stays so whatever is set.") \
	X(TIGHT_WINDOW, "tight-window", 5, \
	    "wsu:Created may differ by value seconds.") \
	X(NONCE_ONCE, "nonce-once", 0, \
	    "A nonce of HTTP Digest is good for one request.") \
	X(DIGEST_ONLY, "digest-only", 0, "WS-UsernameToken is refused.") \
	X(TOKEN_ONLY, "token-only", 0, \
	    "No HTTP Digest: a fault without a challenge, status 400.") \
	X(BASIC_DIGEST, "basic-digest", 0, \
	    "The 401 offers Basic before Digest and takes both.") \
	X(STATUS_200, "fault-status-200", 0, "Faults come with status 200.") \
	X(STATUS_400, "fault-status-400", 0, "Faults come with status 400.") \
	X(STATUS_500, "fault-status-500", 0, "Faults come with status 500.") \
	X(NO_GETSERVICES, "no-getservices", 0, "GetServices is not there.") \
	X(XADDR_PORT, "xaddr-odd-port", 8899, \
	    "XAddr names port value, where nobody listens.") \
	X(XADDR_HOST, "xaddr-wrong-host", 0, \
	    "XAddr names a host that does not exist.") \
	X(XADDR_FACTORY, "xaddr-factory-ip", 0, \
	    "XAddr names the factory address 192.168.1.99.") \
	X(NO_SERIAL, "no-serial", 0, \
	    "GetDeviceInformation leaves SerialNumber out.") \
	X(NO_HARDWARE_ID, "no-hardware-id", 0, \
	    "GetDeviceInformation leaves HardwareId out.") \
	X(SLOW, "slow", 3000, "Each answer comes value ms late.") \
	X(TRUNCATED, "truncated", 0, \
	    "The answer ends in the middle and the connection closes.") \
	X(HUGE, "huge", 8388608, "The answer has value bytes.") \
	X(MALFORMED, "malformed", 0, "The answer is not well-formed XML.") \
	X(WRONG_NS, "wrong-namespace", 0, \
	    "The answer's elements are in a namespace of nobody.") \
	X(DUPLICATE_ELEMENTS, "duplicate-elements", 0, \
	    "Each element of the answer comes twice.") \
	X(OVERLOAD, "reboot-on-overload", 4, \
	    "More than value connections at once make it reboot.") \
	X(DROP_BEFORE, "drop-before-answer", 0, \
	    "The connection drops; nothing was changed.") \
	X(DROP_AFTER, "drop-after-change", 0, \
	    "The change is made, then the connection drops.") \
	X(POWER_CUT, "power-cut", 1000, \
	    "Power fails for value ms at the operation, before or after it.") \
	X(KEY_STUCK, "key-stuck", 0, "New keys stay in generating.") \
	X(KEY_CORRUPT, "key-corrupt", 0, "New keys become corrupt.") \
	X(CSR_SUBJECT, "csr-other-subject", 0, \
	    "The CSR has another subject than asked for.") \
	X(CSR_NO_SAN, "csr-no-san", 0, \
	    "The CSR has no subjectAltName though asked for.") \
	X(CSR_2048, "csr-2048", 0, \
	    "The CSR is of another key, RSA with 2048 bits.") \
	X(KEYSTORE_FULL, "keystore-full", 0, \
	    "No key, certificate or path fits any more.") \
	X(DUPLICATE, "duplicate", 0, \
	    "UploadCertificate stores and answers Duplicate all the same.") \
	X(NO_KEY_SHARING, "no-key-sharing", 0, \
	    "A key may have one certificate only (NoPrivateKeySharing).") \
	X(TLS_LATE, "tls-late", 20, \
	    "The new certificate is served value seconds later.") \
	X(TLS_OLD_LEAF, "tls-old-leaf", 0, \
	    "The assignment succeeds, the old leaf is served on.") \
	X(PASSWORD_LATE, "password-late", 5, \
	    "A new password works value seconds later, until then the old.") \
	X(PASSWORD_ONVIF, "password-onvif-only", 0, \
	    "A new password works for ONVIF, web and RTSP keep the old one.") \
	X(PASSWORD_IGNORED, "password-silently-ignored", 0, \
	    "SetUser answers success and changes nothing.") \
	X(SHA256_BROKEN, "sha256-broken", 0, \
	    "No login works with SHA-256 that was switched on.") \
	X(SYMBOLS, "symbols-rejected", 0, \
	    "A password may have letters and digits only.") \
	X(LOCK, "lock-after-5", 300, \
	    "5 failures in 30 s lock an account for value seconds.") \
	X(LOCK_TOLD, "lock-told", 423, \
	    "Who is locked out is told so by HTTP status value.") \
	X(CLIENT_REFUSED, "client-cert-refused", 0, \
	    "Where client certificates are asked for, each is refused.") \
	X(CLIENT_IGNORED, "client-cert-ignored", 0, \
	    "Client certificates are required, it says, and asks for none.") \
	X(FIXED_USER, "fixed-user", 0, \
	    "The user named, or each one, cannot be changed nor deleted.") \
	X(FACTORY_RESET, "factory-reset", 0, \
	    "The camera is as it left the factory, now or at the operation.") \
	X(NO_CRL, "no-crl", 0, "The camera keeps no CRLs.") \
	X(CRL_MAX_1, "crl-max-1", 0, "There is room for one CRL.")

#endif
