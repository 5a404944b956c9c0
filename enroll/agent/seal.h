/* SPDX-License-Identifier: Apache-2.0 */
/* What camcad sealed to the agent's certificate: CMS AuthEnvelopedData (RFC
 * 5083) around JSON. */
#ifndef CAMCA_AGENT_SEAL_H
#define CAMCA_AGENT_SEAL_H

#include <jansson.h>

#include "ca/base/refusal.h"
#include "enroll/agent/ident.h"

/* Opens base64 of the DER. The object is the caller's; jansson overwrites what
 * it frees (json_memory_setup). CAMCA_EPROTO for what is no such thing,
 * CAMCA_ECRYPTO for what id's key does not open. */
CAMCA_MUST int seal_open(json_t **out, const char *b64, const struct ident *id,
    struct refusal *why);

#endif
