/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/base/tile_path.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* More tiles than a tree of 2^56 leaves has. */
#define TILE_NUMBER_MAX ((int64_t)1 << 56)

/* Text of n in groups of three digits, all but the last one marked by an x. */
static size_t
tile_path_number(char *out, size_t room, int64_t n)
{
	int64_t unit = 1;
	size_t used = 0;

	while (n / unit >= 1000)
		unit *= 1000;
	for (; unit >= 1; unit /= 1000)
		used += (size_t)snprintf(out + used, room - used, "/%s%03d",
		    unit > 1 ? "x" : "", (int)(n / unit % 1000));
	return used;
}

void
tile_path(char out[static TILE_PATH_MAX], int level, int64_t n, int width)
{
	size_t used;

	assert(level >= -1 && level < 64 && n >= 0);
	assert(width > 0 && width <= TILE_HASHES);
	if (level < 0)
		used = (size_t)snprintf(out, TILE_PATH_MAX, "entries");
	else
		used = (size_t)snprintf(out, TILE_PATH_MAX, "%d", level);
	used += tile_path_number(out + used, TILE_PATH_MAX - used, n);
	if (width < TILE_HASHES)
		snprintf(out + used, TILE_PATH_MAX - used, ".p/%d", width);
}

/* Up to three digits; moves *p behind them. -1 where there are none. */
static int
tile_parse_digits(const char **p)
{
	int v = 0, n;

	for (n = 0; n < 3 && **p >= '0' && **p <= '9'; n++)
		v = v * 10 + *(*p)++ - '0';
	return n > 0 ? v : -1;
}

static int
tile_parse_number(const char **p, int64_t *n_out)
{
	int64_t n = 0;
	int group, more;

	do {
		if (*(*p)++ != '/')
			return CAMCA_EINVAL;
		more = **p == 'x';
		*p += more;
		group = tile_parse_digits(p);
		if (group < 0 || n > TILE_NUMBER_MAX / 1000)
			return CAMCA_EINVAL;
		n = n * 1000 + group;
	} while (more);
	*n_out = n;
	return CAMCA_OK;
}

int
tile_parse(const char *path, int *level, int64_t *n, int *width)
{
	const char *p = path;
	char canonical[TILE_PATH_MAX];
	int64_t num;
	int l = -1, w = TILE_HASHES;

	if (strncmp(p, "entries", 7) == 0)
		p += 7;
	else if ((l = tile_parse_digits(&p)) < 0 || l > 63)
		return CAMCA_EINVAL;
	if (tile_parse_number(&p, &num) < 0)
		return CAMCA_EINVAL;
	if (strncmp(p, ".p/", 3) == 0) {
		p += 3;
		w = tile_parse_digits(&p);
		if (w < 1 || w >= TILE_HASHES)
			return CAMCA_EINVAL;
	}
	/* One spelling only: no leading zeroes, no group missing a digit,
	 * nothing behind. Two spellings would be two cache entries. */
	tile_path(canonical, l, num, w);
	if (strcmp(canonical, path) != 0)
		return CAMCA_EINVAL;
	*level = l;
	*n = num;
	*width = w;
	return CAMCA_OK;
}
