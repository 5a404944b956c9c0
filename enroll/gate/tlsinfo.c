/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/gate/tlsinfo.h"

#include <string.h>

static int
tlsinfo_chain(struct est_peer *out, gnutls_session_t s, struct refusal *why)
{
	const gnutls_datum_t *certs;
	unsigned n = 0, i;
	size_t total = 0;

	certs = gnutls_certificate_get_peers(s, &n);
	if (certs == NULL || n == 0)
		return CAMCA_OK;
	/* GnuTLS ends the handshake where CertificateVerify fails. That one was
	 * there at all is looked at again: without it a stolen certificate,
	 * which is public, would be enough. */
	if (gnutls_sign_algorithm_get_client(s) == GNUTLS_SIGN_UNKNOWN)
		return refuse(why, CAMCA_EAUTH, 403, "auth.no-possession",
		    "The client did not prove that it holds its key.");
	if (n > EST_CHAIN_MAX)
		return refuse(why, CAMCA_ELIMIT, 400, "auth.chain-too-long",
		    "The client sent %u certificates; at most %d are read.", n,
		    EST_CHAIN_MAX);
	for (i = 0; i < n; i++) {
		out->chain[i].data = certs[i].data;
		out->chain[i].len = certs[i].size;
		total += certs[i].size;
	}
	if (total > EST_CHAIN_BYTES)
		return refuse(why, CAMCA_ELIMIT, 400, "auth.chain-too-long",
		    "The client's certificates have %zu bytes; at most %u are "
		    "read.", total, EST_CHAIN_BYTES);
	out->nchain = n;
	return CAMCA_OK;
}

static int
tlsinfo_binding(gnutls_session_t s, gnutls_channel_binding_t type,
    uint8_t out[static EST_BINDING_MAX], size_t *out_len)
{
	gnutls_datum_t cb = { NULL, 0 };
	int ret = CAMCA_OK;

	if (gnutls_session_channel_binding(s, type, &cb) != 0)
		return CAMCA_ECRYPTO;
	if (cb.size == 0 || cb.size > EST_BINDING_MAX) {
		ret = CAMCA_ECRYPTO;
	} else {
		memcpy(out, cb.data, cb.size);
		*out_len = cb.size;
	}
	gnutls_free(cb.data);
	return ret;
}

/* RFC 9266: tls-unique does not exist in TLS 1.3. The exporter is not used with
 * TLS 1.2, where stacks disagree about an empty context and EMS may be absent. */
static int
tlsinfo_bindings(struct est_peer *out, gnutls_session_t s)
{
	switch (gnutls_protocol_get_version(s)) {
	case GNUTLS_TLS1_2:
		out->version = "1.2";
		out->ems = gnutls_session_ext_master_secret_status(s) != 0;
		return tlsinfo_binding(s, GNUTLS_CB_TLS_UNIQUE, out->unique,
		    &out->unique_len);
	case GNUTLS_TLS1_3:
		out->version = "1.3";
		out->ems = true;   /* built into the key schedule */
		return tlsinfo_binding(s, GNUTLS_CB_TLS_EXPORTER,
		    out->exporter, &out->exporter_len);
	default:
		return CAMCA_EPROTO;
	}
}

int
tlsinfo_peer(struct est_peer *out, gnutls_session_t s, struct refusal *why)
{
	int ret = tlsinfo_bindings(out, s);

	if (ret < 0)
		return refuse(why, ret, 500, "system.tls",
		    "The TLS session has no channel binding.");
	return tlsinfo_chain(out, s, why);
}
