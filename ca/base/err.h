/* SPDX-License-Identifier: Apache-2.0 */
/* Error values. 0 is fine, every failure is a named negative. The place that
 * knows what failed logs it once; callers pass the value on. */
#ifndef CAMCA_BASE_ERR_H
#define CAMCA_BASE_ERR_H

enum camca_err {
	CAMCA_OK = 0,
	CAMCA_EINVAL = -1,       /* malformed input */
	CAMCA_ENOENT = -2,       /* no such object */
	CAMCA_ECONFLICT = -3,    /* exists already, or changed meanwhile */
	CAMCA_EBUSY = -4,        /* queue full or locked: try again */
	CAMCA_EPOLICY = -5,      /* a rule refuses it */
	CAMCA_EAUTH = -6,        /* caller not authenticated */
	CAMCA_EPERM = -7,        /* caller known, but may not */
	CAMCA_EHSM = -8,         /* token or module failed */
	CAMCA_EDB = -9,          /* store failed */
	CAMCA_ENOMEM = -10,      /* out of memory */
	CAMCA_EIO = -11,         /* file or socket failed */
	CAMCA_EPROTO = -12,      /* peer broke the protocol */
	CAMCA_ELIMIT = -13,      /* larger than the stated maximum */
	CAMCA_ETIME = -14,       /* time ran out, or the clock is wrong */
	CAMCA_EUNKNOWN = -15,    /* outcome unknown: look before retrying */
	CAMCA_EFULL = -16,       /* no space left for the store */
	CAMCA_EPENDING = -17,    /* accepted, decision still open (HTTP 202) */
	CAMCA_EPIN = -18,        /* token PIN missing, wrong or locked */
	CAMCA_ECRYPTO = -19,     /* library call that should not fail did */
	CAMCA_ERR_MAX = 19
};

#define CAMCA_MUST __attribute__((warn_unused_result))

/* Short English name of an error value, for logs. Never NULL; static memory.
 * Any thread. */
const char *camca_strerror(int err);

#endif
