/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of libmicrohttpd for the EST listener: see microhttpd.h for their
 * arguments. They run in its threads; arg is the struct gate. */
#ifndef CAMCA_GATE_EST_REQUEST_H
#define CAMCA_GATE_EST_REQUEST_H

#include "enroll/gate/gate.h"

/* Makes the request of this request line; NULL without memory. */
void *est_on_uri(void *arg, const char *uri, struct MHD_Connection *m);
/* Takes header, body and end of a request, and sends the answer. */
enum MHD_Result est_on_access(void *arg, struct MHD_Connection *m,
    const char *url, const char *method, const char *version,
    const char *data, size_t *n, void **request);
/* Frees the request. */
void est_on_completed(void *arg, struct MHD_Connection *m, void **request,
    enum MHD_RequestTerminationCode why);

#endif
