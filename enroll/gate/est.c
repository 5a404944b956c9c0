/* SPDX-License-Identifier: Apache-2.0 */
/* The EST listener: TLS and libmicrohttpd. */
#include "ca/base/log.h"
#include "enroll/gate/est_request.h"
#include "enroll/gate/gate.h"
#include "enroll/gate/http.h"
#include "enroll/gate/tlsinfo.h"

static void
est_on_connection(void *arg, struct MHD_Connection *m, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct gate *g = arg;
	struct conn *c;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		c = *context;
		if (c != NULL) {
			ident_pair_free(c->ident);
			staple_free(c->staple);
		}
		conn_end(c);
		*context = NULL;
		return;
	}
	c = conn_start(g->est_conns, m);
	info = MHD_get_connection_info(m, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	*context = c;
	if (c == NULL || info == NULL)
		return;
	c->idents = g->ident;
	c->staples = g->staples;
	conn_tls(c, info->tls_session);
}

/* Which certificate this handshake uses, and what is stapled to it: the current
 * ones, which the connection then holds, so that a renewal disturbs nobody. */
static int
est_on_cert(gnutls_session_t s, const struct gnutls_cert_retr_st *info,
    gnutls_pcert_st **chain, unsigned *nchain, gnutls_ocsp_data_st **ocsp,
    unsigned *nocsp, gnutls_privkey_t *key, unsigned *flags)
{
	const union MHD_ConnectionInfo *ci = MHD_get_connection_info(
	    gnutls_session_get_ptr(s), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = ci != NULL ? ci->socket_context : NULL;

	(void)info;
	if (c == NULL || c->idents == NULL)
		return -1;
	if (c->ident == NULL)
		c->ident = ident_take(c->idents);
	if (c->ident == NULL)
		return -1;
	if (c->staple == NULL)
		c->staple = staples_take(c->staples, c->ident);
	*chain = ident_pair_chain(c->ident, nchain);
	*key = ident_pair_key(c->ident);
	*ocsp = c->staple != NULL ? &c->staple->data : NULL;
	*nocsp = c->staple != NULL ? 1 : 0;
	*flags = 0;
	return 0;
}

int
est_start(struct gate *g)
{
	g->est = MHD_start_daemon(MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    est_on_access, g,
	    MHD_OPTION_EXTERNAL_LOGGER, http_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, g->est_fd,
	    MHD_OPTION_THREAD_POOL_SIZE, gate_threads(),
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)g->conf.max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)g->conf.idle_timeout_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MEMORY,
	    MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
	    MHD_OPTION_HTTPS_CERT_CALLBACK2, est_on_cert,
	    MHD_OPTION_URI_LOG_CALLBACK, est_on_uri, g,
	    MHD_OPTION_UNESCAPE_CALLBACK, http_keep, NULL,
	    MHD_OPTION_NOTIFY_COMPLETED, est_on_completed, g,
	    MHD_OPTION_NOTIFY_CONNECTION, est_on_connection, g,
	    MHD_OPTION_END);
	if (g->est == NULL) {
		log_msg(LOG_ERROR, "est", "the listener does not start");
		return CAMCA_EIO;
	}
	g->est_fd = -1;
	return CAMCA_OK;
}
