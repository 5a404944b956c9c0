/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a test's own folder. */
#ifndef CAMCA_TEST_RENEW_RMTREE_H
#define CAMCA_TEST_RENEW_RMTREE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static inline int
rmtree_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline void
rmtree(char *dir)
{
	nftw(dir, rmtree_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

#endif
