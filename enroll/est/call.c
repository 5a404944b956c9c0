/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/est/call.h"

#include <string.h>

#include "ca/base/buf.h"
#include "ca/base/enc.h"

/* base64 as a JSON string. */
static json_t *
est_call_blob(const uint8_t *p, size_t n)
{
	struct buf text;
	json_t *s = NULL;

	buf_init(&text, 0);
	if (enc_base64(&text, p, n, 0) == CAMCA_OK)
		s = json_stringn_nocheck(buf_str(&text), text.len);
	buf_fini(&text);
	return s;
}

static json_t *
est_call_chain(const struct est_peer *peer)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; a != NULL && i < peer->nchain; i++) {
		if (json_array_append_new(a, est_call_blob(peer->chain[i].data,
		    peer->chain[i].len)) != 0) {
			json_decref(a);
			a = NULL;
		}
	}
	return a;
}

static json_t *
est_call_tls(const struct est_peer *peer)
{
	json_t *t = json_object();
	int bad = json_object_set_new(t, "version",
	    json_string(peer->version));

	bad |= json_object_set_new(t, "ems", json_boolean(peer->ems));
	if (peer->unique_len > 0)
		bad |= json_object_set_new(t, "unique",
		    est_call_blob(peer->unique, peer->unique_len));
	if (peer->exporter_len > 0)
		bad |= json_object_set_new(t, "exporter",
		    est_call_blob(peer->exporter, peer->exporter_len));
	if (bad == 0)
		return t;
	json_decref(t);
	return NULL;
}

json_t *
est_call_read(const char *label)
{
	return json_pack("{s:s}", "label", label);
}

json_t *
est_call_enroll(const char *label, const struct est_blob *csr,
    const struct est_login *login, const struct est_peer *peer,
    const char *remote)
{
	json_t *a = json_object();
	int bad = json_object_set_new(a, "label", json_string(label));

	bad |= json_object_set_new(a, "csr",
	    est_call_blob(csr->data, csr->len));
	if (login->present) {
		bad |= json_object_set_new(a, "user",
		    json_string(login->user));
		bad |= json_object_set_new(a, "password",
		    json_string(login->password));
	}
	if (peer->nchain > 0)
		bad |= json_object_set_new(a, "chain", est_call_chain(peer));
	bad |= json_object_set_new(a, "tls", est_call_tls(peer));
	bad |= json_object_set_new(a, "remote", json_string(remote));
	bad |= json_object_set_new(a, "pop_used",
	    json_boolean(peer->pop_used));
	if (bad == 0)
		return a;
	json_decref(a);
	return NULL;
}
