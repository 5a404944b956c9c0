/* SPDX-License-Identifier: Apache-2.0 */
/* Strict YAML: each key is asked for once with its type and bounds; what was
 * not asked for is refused by yaml_end(). The first mistake is kept as
 * "file:line: sentence". No anchors, no tags, no duplicate keys. */
#ifndef CAMCA_BASE_YAML_H
#define CAMCA_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"

#define YAML_MAX_BYTES (256u * 1024)

struct yaml_doc;
struct yaml_node;   /* borrowed from its document */

/* Reads one file / one text (name is used in messages). On failure *out still
 * holds a document whose yaml_error() says why (NULL only without memory);
 * free it in every case. CAMCA_ENOENT, CAMCA_EINVAL, CAMCA_ELIMIT. */
CAMCA_MUST int yaml_open_file(struct yaml_doc **out, const char *path);
CAMCA_MUST int yaml_open_text(struct yaml_doc **out, const char *name,
    const char *text, size_t n);
/* One file of policy or settings: opened, given to read, closed. Where it is
 * wrong, error has its first mistake as text. CAMCA_ENOENT where there is no
 * file (error says so too), CAMCA_ENOMEM, CAMCA_EINVAL for all else. */
CAMCA_MUST int yaml_load(const char *path,
    int (*read)(struct yaml_doc *d, void *out), void *out, char *error,
    size_t error_len);
void yaml_close(struct yaml_doc *d);
/* The first mistake, or NULL. Borrowed until yaml_close. */
const char *yaml_error(const struct yaml_doc *d);
/* Records a mistake at a node (NULL: the whole file); the first one stays.
 * Returns CAMCA_EINVAL. For rules that span several keys. */
int yaml_fail(struct yaml_doc *d, const struct yaml_node *at, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* The top mapping. NULL and an error where the document is something else. */
struct yaml_node *yaml_top(struct yaml_doc *d);
/* The value under key in mapping m, marked as known; NULL where missing. */
struct yaml_node *yaml_get(struct yaml_doc *d, struct yaml_node *m,
    const char *key);

/* Typed values. Where the key is missing: with required a mistake, else *out
 * stays as the caller set it. All return 0 or CAMCA_EINVAL (mistake noted).
 * Strings are borrowed from the document. */
CAMCA_MUST int yaml_str(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, size_t max_bytes, const char **out);
CAMCA_MUST int yaml_int(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, int64_t min, int64_t max, int64_t *out);
CAMCA_MUST int yaml_bool(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, bool *out);
/* Index into names (NULL-ended). */
CAMCA_MUST int yaml_enum(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, const char *const *names, int *out);
/* A duration "90s", "10m", "12h", "30d", "2y" in milliseconds. */
CAMCA_MUST int yaml_duration(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, int64_t min_ms, int64_t max_ms,
    int64_t *out);
/* A nested mapping / sequence; *out NULL where it is missing. */
CAMCA_MUST int yaml_map(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, struct yaml_node **out);
CAMCA_MUST int yaml_seq(struct yaml_doc *d, struct yaml_node *m,
    const char *key, bool required, size_t max_items, struct yaml_node **out);
size_t yaml_seq_len(const struct yaml_node *seq);
struct yaml_node *yaml_seq_at(const struct yaml_node *seq, size_t i);
/* Text of a scalar node, NULL for others; borrowed. */
const char *yaml_text(const struct yaml_node *n);
/* Scalar sequence item as an index into names; CAMCA_EINVAL (noted). */
CAMCA_MUST int yaml_item_enum(struct yaml_doc *d, struct yaml_node *item,
    const char *const *names, int *out);

/* Refuses the keys of m that nobody asked for. Call last on each mapping. */
CAMCA_MUST int yaml_end(struct yaml_doc *d, struct yaml_node *m);

#endif
