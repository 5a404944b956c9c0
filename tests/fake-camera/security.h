/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of the security service; as in device.h. */
#ifndef FAKE_SECURITY_H
#define FAKE_SECURITY_H

#include "tests/fake-camera/soap.h"

/* The children of tas:Capabilities. */
void security_capabilities(struct call *c);

int keys_rsa(struct call *c);
int keys_ecc(struct call *c);
int keys_status(struct call *c);
int keys_all(struct call *c);
int keys_delete(struct call *c);
int csr_create(struct call *c);
int certs_upload(struct call *c);
int certs_get(struct call *c);
int certs_all(struct call *c);
int certs_delete(struct call *c);
int paths_create(struct call *c);
int paths_get(struct call *c);
int paths_all(struct call *c);
int paths_delete(struct call *c);
int assign_add(struct call *c);
int assign_remove(struct call *c);
int assign_replace(struct call *c);
int assign_all(struct call *c);
int crls_upload(struct call *c);
int crls_get(struct call *c);
int crls_all(struct call *c);
int crls_delete(struct call *c);
int policies_create(struct call *c);
int policies_get(struct call *c);
int policies_all(struct call *c);
int policies_delete(struct call *c);
int policies_add(struct call *c);
int policies_remove(struct call *c);
int policies_replace(struct call *c);
int policies_assigned(struct call *c);
int policies_set_auth(struct call *c);
int policies_auth(struct call *c);
int policies_set_cn(struct call *c);
int policies_cn(struct call *c);

#endif
