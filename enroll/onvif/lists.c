/* SPDX-License-Identifier: Apache-2.0 */
#include "enroll/onvif/driver.h"

#include <stdlib.h>
#include <string.h>

void
cam_accounts_fini(struct cam_accounts *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_keys_fini(struct cam_keys *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_certs_fini(struct cam_certs *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].der);
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_paths_fini(struct cam_paths *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_crls_fini(struct cam_crls *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->v[i].der);
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_ids_fini(struct cam_ids *l)
{
	free(l->v);
	memset(l, 0, sizeof *l);
}

void
cam_served_fini(struct cam_served *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		X509_free(s->chain[i]);
	memset(s, 0, sizeof *s);
}
