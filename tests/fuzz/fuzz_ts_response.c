/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of a TSA, with the TSA of the corpus trusted: what is
 * taken is a stamp of what was asked for, made in the time of that TSA. */
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "ca/custody/timestamp.h"
#include "tests/fuzz/replay.h"

static const char root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBfTCCASOgAwIBAgIUYomyRrBx+TDob9/2NlI281n9pH0wCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJZ29vZCByb290MB4XDTI2MTEyMjE4MzIxN1oXDTI2MTIyMjE4\n"
    "MzIxN1owFDESMBAGA1UEAwwJZ29vZCByb290MFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
    "AQcDQgAE/vjGROhv+dmm4R9twl9/HFBzKYY5qACsG/PZcnYPtaT4lvhETST/mDcM\n"
    "nN7KRLk0r4U7gd/5JaqECbWCFO0qoKNTMFEwHQYDVR0OBBYEFC80/sUcrKXUWlIL\n"
    "AwVDa2NT9pplMB8GA1UdIwQYMBaAFC80/sUcrKXUWlILAwVDa2NT9pplMA8GA1Ud\n"
    "EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJI+WfKSvKzQkz+z3ODe5dX1\n"
    "Tc3MX7n7F2naBU3fipwqAiA2F8vMd9axWD8CY3KpbOP8MwcskP22NP2EVXSOrmxM\n"
    "HA==\n"
    "-----END CERTIFICATE-----\n";
/* Of the corpus: its imprint and its nonce, and the days it was made in. */
static const uint8_t sha256[32] = {
    0xa5, 0x63, 0xd1, 0x7c, 0xb7, 0x5e, 0xaa, 0x0b,
    0x06, 0xf2, 0xcb, 0x56, 0x32, 0x5b, 0xa5, 0x07,
    0x61, 0x3a, 0x38, 0x09, 0x35, 0x75, 0x65, 0x7c,
    0x7a, 0xb0, 0x60, 0xf8, 0x88, 0xcc, 0x18, 0x34 };
static const uint8_t nonce[TIMESTAMP_NONCE_LEN] = {
    0x01, 0x39, 0xec, 0x82, 0x4f, 0x09, 0xd0, 0xc6 };
#define FROM_MS INT64_C(1795285938093)
#define TO_MS INT64_C(1795458738093)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct timestamp_expect x = { .sha256 = sha256, .nonce = nonce };
	struct refusal why = { 0 };
	int64_t when = 0;
	int ret;

	if (timestamp_trust(root, sizeof root - 1, &x.trust, NULL) < 0)
		abort();
	ret = timestamp_check(data, size, &x, &when, &why);
	if (ret < 0 && ret != CAMCA_ENOMEM && why.http != 502)
		abort();
	if (ret == CAMCA_OK && (when < FROM_MS || when > TO_MS))
		abort();
	if (ERR_peek_error() != 0)
		abort();
	timestamp_trust_free(x.trust);
	return 0;
}
