/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of requests (RFC 9110 section 8.3). */
#ifndef CAMCA_EST_MEDIA_H
#define CAMCA_EST_MEDIA_H

#include <stdbool.h>

/* Does the Content-Type value (NULL: none) name type ("application/pkcs10")?
 * Case, blanks around it and parameters do not matter. */
bool est_media_is(const char *value, const char *type);

#endif
