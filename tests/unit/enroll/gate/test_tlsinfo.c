/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "enroll/gate/tlsinfo.h"
#include "enroll/gate/tlskey.h"
#include "tests/unit/enroll/gate/signer.h"

#define NOW 1800000000LL
#define CLIENT "NORMAL:-VERS-ALL:"

struct ends {
	int fd[2];
	gnutls_session_t server, client;
	gnutls_certificate_credentials_t server_cred, client_cred;
	EVP_PKEY *server_key, *client_key;
};

/* A certificate for cert_key and the key key, from OpenSSL's into GnuTLS' hands.
 * The chain has length certificates, each issued by the next. */
static void
use_pair(gnutls_certificate_credentials_t cred, EVP_PKEY *cert_key,
    EVP_PKEY *key, int length)
{
	EVP_PKEY *ca = EVP_EC_gen("P-256");
	gnutls_datum_t c, k;
	struct buf chain, sec;
	char *pem, cn[32], issuer[32];
	int i;

	buf_init(&chain, 0);
	buf_init(&sec, 0);
	for (i = 0; i < length; i++) {
		snprintf(cn, sizeof cn, "level %d", i);
		snprintf(issuer, sizeof issuer, "level %d", i + 1);
		pem = signer_named(i == 0 ? cert_key : ca, cn, ca, issuer,
		    NOW - 1000, NOW + 1000);
		assert_int_equal(buf_puts(&chain, pem), 0);
		free(pem);
	}
	assert_int_equal(tlskey_pem(key, &sec), 0);
	c = (gnutls_datum_t){ chain.data, (unsigned)chain.len };
	k = (gnutls_datum_t){ sec.data, (unsigned)sec.len };
	assert_int_equal(gnutls_certificate_set_x509_key_mem(cred, &c, &k,
	    GNUTLS_X509_FMT_PEM), 0);
	buf_fini(&chain);
	buf_cleanse(&sec);
	EVP_PKEY_free(ca);
}

static void
ends_init(struct ends *e, const char *priority)
{
	memset(e, 0, sizeof *e);
	e->server_key = EVP_EC_gen("P-256");
	e->client_key = EVP_EC_gen("P-256");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    e->fd), 0);
	gnutls_certificate_allocate_credentials(&e->server_cred);
	gnutls_certificate_allocate_credentials(&e->client_cred);
	use_pair(e->server_cred, e->server_key, e->server_key, 1);
	gnutls_init(&e->server, GNUTLS_SERVER | GNUTLS_NONBLOCK);
	gnutls_init(&e->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
	assert_int_equal(gnutls_priority_set_direct(e->server, TLS_PRIORITIES,
	    NULL), 0);
	assert_int_equal(gnutls_priority_set_direct(e->client, priority, NULL),
	    0);
	gnutls_credentials_set(e->server, GNUTLS_CRD_CERTIFICATE,
	    e->server_cred);
	gnutls_credentials_set(e->client, GNUTLS_CRD_CERTIFICATE,
	    e->client_cred);
	gnutls_certificate_server_set_request(e->server, GNUTLS_CERT_REQUEST);
	gnutls_transport_set_int(e->server, e->fd[0]);
	gnutls_transport_set_int(e->client, e->fd[1]);
}

static void
ends_fini(struct ends *e)
{
	gnutls_deinit(e->server);
	gnutls_deinit(e->client);
	gnutls_certificate_free_credentials(e->server_cred);
	gnutls_certificate_free_credentials(e->client_cred);
	EVP_PKEY_free(e->server_key);
	EVP_PKEY_free(e->client_key);
	close(e->fd[0]);
	close(e->fd[1]);
}

/* Both sides by turns; the server's outcome. */
static int
shake(struct ends *e)
{
	int s = GNUTLS_E_AGAIN, c = GNUTLS_E_AGAIN, i;

	for (i = 0; i < 100 && (s == GNUTLS_E_AGAIN ||
	    c == GNUTLS_E_AGAIN); i++) {
		if (c == GNUTLS_E_AGAIN)
			c = gnutls_handshake(e->client);
		if (s == GNUTLS_E_AGAIN)
			s = gnutls_handshake(e->server);
		if (s < 0 && gnutls_error_is_fatal(s))
			break;
	}
	return s;
}

static void
same_binding(struct ends *e, gnutls_channel_binding_t type,
    const uint8_t *got, size_t n)
{
	gnutls_datum_t want;

	assert_int_equal(gnutls_session_channel_binding(e->client, type,
	    &want), 0);
	assert_int_equal(n, want.size);
	assert_memory_equal(got, want.data, n);
	gnutls_free(want.data);
}

/* G3, G5: tls-unique and nothing else with TLS 1.2. */
static void
test_g3_tls12(void **state)
{
	struct est_peer p = { 0 };
	struct refusal why;
	struct ends e;

	(void)state;
	ends_init(&e, CLIENT "+VERS-TLS1.2");
	assert_int_equal(shake(&e), 0);
	assert_int_equal(tlsinfo_peer(&p, e.server, &why), CAMCA_OK);
	assert_string_equal(p.version, "1.2");
	assert_true(p.ems);
	assert_int_equal(p.unique_len, 12);
	same_binding(&e, GNUTLS_CB_TLS_UNIQUE, p.unique, p.unique_len);
	assert_int_equal(p.exporter_len, 0);
	assert_int_equal(p.nchain, 0);
	ends_fini(&e);
}

/* A12: no extended master secret is told. */
static void
test_a12_no_ems(void **state)
{
	struct est_peer p = { 0 };
	struct refusal why;
	struct ends e;

	(void)state;
	ends_init(&e, CLIENT "+VERS-TLS1.2:%NO_SESSION_HASH");
	assert_int_equal(shake(&e), 0);
	assert_int_equal(tlsinfo_peer(&p, e.server, &why), CAMCA_OK);
	assert_false(p.ems);
	ends_fini(&e);
}

/* G4, G5: tls-exporter and nothing else with TLS 1.3. */
static void
test_g4_tls13(void **state)
{
	struct est_peer p = { 0 };
	struct refusal why;
	struct ends e;

	(void)state;
	ends_init(&e, CLIENT "+VERS-TLS1.3");
	assert_int_equal(shake(&e), 0);
	assert_int_equal(tlsinfo_peer(&p, e.server, &why), CAMCA_OK);
	assert_string_equal(p.version, "1.3");
	assert_true(p.ems);
	assert_int_equal(p.exporter_len, 32);
	same_binding(&e, GNUTLS_CB_TLS_EXPORTER, p.exporter, p.exporter_len);
	assert_int_equal(p.unique_len, 0);
	ends_fini(&e);
}

static void
chain(const char *priority, int length, int want)
{
	struct refusal why = { 0 };
	struct est_peer p = { 0 };
	struct ends e;

	ends_init(&e, priority);
	use_pair(e.client_cred, e.client_key, e.client_key, length);
	assert_int_equal(shake(&e), 0);
	assert_int_equal(tlsinfo_peer(&p, e.server, &why), want);
	if (want == CAMCA_OK) {
		assert_int_equal(p.nchain, length);
		assert_int_equal(p.chain[0].data[0], 0x30);
		assert_true(p.chain[0].len > 200);
	} else {
		assert_int_equal(why.http, 400);
		assert_string_equal(why.code, "auth.chain-too-long");
	}
	ends_fini(&e);
}

/* A5: certificates are passed on as they came, up to eight. */
static void
test_a5_client_chain(void **state)
{
	(void)state;
	chain(CLIENT "+VERS-TLS1.2", 1, CAMCA_OK);
	chain(CLIENT "+VERS-TLS1.3", 1, CAMCA_OK);
	chain(CLIENT "+VERS-TLS1.3", EST_CHAIN_MAX, CAMCA_OK);
	chain(CLIENT "+VERS-TLS1.3", EST_CHAIN_MAX + 1, CAMCA_ELIMIT);
}

/* A certificate without its key: the handshake fails in CertificateVerify,
 * although the certificate is optional. */
static void
stolen(const char *priority)
{
	struct ends e;

	ends_init(&e, priority);
	gnutls_certificate_set_flags(e.client_cred,
	    GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	use_pair(e.client_cred, e.server_key, e.client_key, 1);
	assert_int_not_equal(shake(&e), 0);
	ends_fini(&e);
}

static void
test_a5_stolen_certificate(void **state)
{
	(void)state;
	stolen(CLIENT "+VERS-TLS1.2");
	stolen(CLIENT "+VERS-TLS1.3");
}

/* A2, A3: what must not be negotiated. */
static void
test_a2_a3_weak_offers(void **state)
{
	static const char *const offers[] = {
		CLIENT "+VERS-TLS1.1", CLIENT "+VERS-TLS1.0",
		CLIENT "+VERS-TLS1.2:-KX-ALL:+RSA",
		CLIENT "+VERS-TLS1.2:-KX-ALL:+DHE-RSA",
		CLIENT "+VERS-TLS1.2:-KX-ALL:+ANON-ECDH",
		CLIENT "+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC",
		CLIENT "+VERS-TLS1.2:-CIPHER-ALL:+3DES-CBC",
		CLIENT "+VERS-TLS1.2:-CIPHER-ALL:+NULL",
	};
	struct ends e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof offers / sizeof offers[0]; i++) {
		ends_init(&e, offers[i]);
		assert_int_not_equal(shake(&e), 0);
		ends_fini(&e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_g3_tls12),
		cmocka_unit_test(test_a12_no_ems),
		cmocka_unit_test(test_g4_tls13),
		cmocka_unit_test(test_a5_client_chain),
		cmocka_unit_test(test_a5_stolen_certificate),
		cmocka_unit_test(test_a2_a3_weak_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
