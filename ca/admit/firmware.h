/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware versions as vendors write them, ranges as people type them, and
 * whether a version lies in a range. Nothing is guessed: where the two texts do
 * not say it, the answer is "undetermined", and a person decides. */
#ifndef CAMCA_ADMIT_FIRMWARE_H
#define CAMCA_ADMIT_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/buf.h"
#include "ca/base/refusal.h"

#define FIRMWARE_TEXT_MAX 129          /* with NUL */
#define FIRMWARE_NUMBERS_MAX 12
#define FIRMWARE_RANGE_MAX 16          /* constraints */

/* What may follow the numbers, in the order in which it counts. */
enum firmware_mark {
	FIRMWARE_LETTER,               /* ".R", ".T": release, test */
	FIRMWARE_SERVICE_PACK, FIRMWARE_UPDATE, FIRMWARE_HOTFIX,
	FIRMWARE_REVISION,
	FIRMWARE_BUILD,                /* number or date */
	FIRMWARE_MARKS
};
struct firmware_part {
	uint8_t at, len;               /* within text; len 0: absent */
};
struct firmware {
	char text[FIRMWARE_TEXT_MAX];  /* lower case, spaces made one */
	struct firmware_part prefix;   /* "nvr-b" of "NVR-B3801.20.17" */
	struct firmware_part numbers[FIRMWARE_NUMBERS_MAX];
	size_t nnumbers;
	struct firmware_part marks[FIRMWARE_MARKS];
};
/* "V5.5.800 build 210628", "2.800.0000000.8.R, Build Date 2021-06-30",
 * "1.41.06_20210303_R321", "NVR-B3801.20.17.240507". CAMCA_EINVAL for an empty
 * text and for all that is not wholly understood. */
CAMCA_MUST int firmware_parse(struct firmware *out, const char *text);

/* How a version stands to a bound: a set, because a bound that names no build
 * means each of them, and a version that tells no build could be any. */
#define FIRMWARE_LT 1u
#define FIRMWARE_EQ 2u
#define FIRMWARE_GT 4u
#define FIRMWARE_ANY 7u
/* Numbers compare as numbers (1.10 is above 1.9), a missing one is 0. Different
 * prefixes, a date beside a version, or marks that only one of the two has give
 * more than one bit. */
unsigned firmware_compare(const struct firmware *version,
    const struct firmware *bound);

enum firmware_op { FIRMWARE_OP_LT, FIRMWARE_OP_LE, FIRMWARE_OP_GT,
	FIRMWARE_OP_GE, FIRMWARE_OP_EQ, FIRMWARE_OP_NE };
struct firmware_range {
	bool all;                      /* "*" */
	size_t n;
	struct {
		enum firmware_op op;
		unsigned group;        /* one group must hold, whole */
		struct firmware bound;
	} list[FIRMWARE_RANGE_MAX];
};
/* "<5.5.800", ">=1.2,<1.4", "=V5.4.5 build 170124", "5.4.5", "*", and vers and
 * vers-like texts (CSAF 2.0 3.1.2.3): "vers:generic/>=1.0|<1.4|>=2.0|<2.1".
 * Commas and "and" join what must hold together; with "|" each interval stands
 * alone, lowest first. CAMCA_EINVAL, 400 "revoke.firmware", for what is not
 * understood or can never hold. */
CAMCA_MUST int firmware_range_parse(struct firmware_range *out,
    const char *text, struct refusal *why);
/* The range in its one spelling, appended: parsing it gives the same range. */
CAMCA_MUST int firmware_range_text(const struct firmware_range *r,
    struct buf *out);

enum firmware_verdict { FIRMWARE_NOT_AFFECTED, FIRMWARE_AFFECTED,
	FIRMWARE_UNDETERMINED };
/* Does a device with this firmware text fall into the range? Any thread. */
enum firmware_verdict firmware_judge(const struct firmware_range *r,
    const char *text);

#endif
