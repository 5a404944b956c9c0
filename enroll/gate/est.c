/* SPDX-License-Identifier: Apache-2.0 */
/* The EST listener: TLS and libmicrohttpd. */
#include "ca/base/log.h"
#include "enroll/gate/est_request.h"
#include "enroll/gate/gate.h"
#include "enroll/gate/http.h"
#include "enroll/gate/tlsinfo.h"

#include <unistd.h>

#define EST_THREADS_MIN 2
#define EST_THREADS_MAX 16

static void
est_on_connection(void *arg, struct MHD_Connection *m, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct gate *g = arg;
	struct conn *c;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		c = *context;
		if (c != NULL)
			ident_pair_free(c->ident);
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
	conn_tls(c, info->tls_session);
}

/* Which certificate this handshake uses: the current one, which the connection
 * then holds, so that a renewal disturbs nobody. */
static int
est_on_cert(gnutls_session_t s, const gnutls_datum_t *ca_dn, int nreqs,
    const gnutls_pk_algorithm_t *algos, int nalgos, gnutls_pcert_st **chain,
    unsigned *nchain, gnutls_privkey_t *key)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    gnutls_session_get_ptr(s), MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info != NULL ? info->socket_context : NULL;

	(void)ca_dn;
	(void)nreqs;
	(void)algos;
	(void)nalgos;
	if (c == NULL || c->idents == NULL)
		return -1;
	if (c->ident == NULL)
		c->ident = ident_take(c->idents);
	if (c->ident == NULL)
		return -1;
	*chain = ident_pair_chain(c->ident, nchain);
	*key = ident_pair_key(c->ident);
	return 0;
}

/* Handshakes are what costs: a thread for each processor. */
static unsigned
est_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < EST_THREADS_MIN)
		return EST_THREADS_MIN;
	return n > EST_THREADS_MAX ? EST_THREADS_MAX : (unsigned)n;
}

int
est_start(struct gate *g)
{
	g->est = MHD_start_daemon(MHD_USE_TLS | MHD_USE_EPOLL_INTERNAL_THREAD |
	    MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    est_on_access, g,
	    MHD_OPTION_EXTERNAL_LOGGER, http_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, g->est_fd,
	    MHD_OPTION_THREAD_POOL_SIZE, est_threads(),
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)g->conf.max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)g->conf.idle_timeout_s,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_HEADER_MEMORY,
	    MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES,
	    MHD_OPTION_HTTPS_CERT_CALLBACK, est_on_cert,
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
