/* SPDX-License-Identifier: Apache-2.0 */
/* The keystore: finding, adding, and who refers to whom. The camera is locked
 * by the callers. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "tests/fake-camera/camera.h"

/* NULL where there is none of that id. */
struct key *store_key(struct camera *cam, const char *id);
struct cert *store_cert(struct camera *cam, const char *id);
struct path *store_path(struct camera *cam, const char *id);
struct crl *store_crl(struct camera *cam, const char *id);
struct policy *store_policy(struct camera *cam, const char *id);
/* A free slot with a new id; NULL where the persona has no more. */
struct key *store_new_key(struct camera *cam, const char *alias);
struct cert *store_new_cert(struct camera *cam, const char *alias);
struct path *store_new_path(struct camera *cam, const char *alias);
struct crl *store_new_crl(struct camera *cam, const char *alias);
struct policy *store_new_policy(struct camera *cam, const char *alias);
/* Empties a slot. */
void store_drop_key(struct key *k);
void store_drop_cert(struct cert *c);
void store_drop_path(struct path *p);
void store_drop_crl(struct crl *c);
void store_drop_all(struct camera *cam);
/* Who uses it. */
bool store_key_used(const struct camera *cam, const char *id);
bool store_cert_used(const struct camera *cam, const char *id);
bool store_path_used(const struct camera *cam, const char *id);
/* The status of now: generating ends when the time and the key are there. */
enum key_status store_key_status(struct camera *cam, struct key *k);
const char *store_status_name(enum key_status s);
/* The key with that public key, NULL. */
struct key *store_key_of(struct camera *cam, EVP_PKEY *pub);
/* Room for CRLs as the persona and the faults have it. */
unsigned store_max_crls(const struct camera *cam);

/* What the TLS server shows next, after the assignment changed; late where a
 * fault says so. */
void tls_assign(struct camera *cam, bool faults);
/* Promotes what was to come later. */
void tls_settle(struct camera *cam);
void identity_free(struct identity *id);

#endif
