/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/cmd/where.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/base/file.h"

#ifndef CAMCA_PREFIX
#define CAMCA_PREFIX "/usr/local"
#endif

/* Folder of this program's file, without the last slash. */
static int
where_self(char *out, size_t out_len)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (n <= 0)
		return CAMCA_ENOENT;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL)
		return CAMCA_ENOENT;
	*slash = '\0';
	if ((size_t)snprintf(out, out_len, "%s", path) >= out_len)
		return CAMCA_ELIMIT;
	return CAMCA_OK;
}

int
where_program(const char *name, char *out, size_t out_len)
{
	static const char *const folders[] = { "", "/../sbin", "/../bin" };
	char self[PATH_MAX];
	size_t i;

	for (i = 0; where_self(self, sizeof self) == CAMCA_OK &&
	    i < sizeof folders / sizeof folders[0]; i++) {
		if ((size_t)snprintf(out, out_len, "%s%s/%s", self, folders[i],
		    name) >= out_len)
			return CAMCA_ELIMIT;
		if (access(out, X_OK) == 0)
			return CAMCA_OK;
	}
	if ((size_t)snprintf(out, out_len, "%s", name) >= out_len)
		return CAMCA_ELIMIT;
	return CAMCA_OK;
}

/* Whether dir/tail is a folder of policies; its real path into out. */
static int
where_try(const char *dir, const char *tail, char *out, size_t out_len)
{
	char path[PATH_MAX], real[PATH_MAX], levels[PATH_MAX];

	if (file_join(path, sizeof path, dir, tail) < 0 ||
	    realpath(path, real) == NULL ||
	    file_join(levels, sizeof levels, real, "levels") < 0 ||
	    !file_exists(levels))
		return CAMCA_ENOENT;
	if ((size_t)snprintf(out, out_len, "%s", real) >= out_len)
		return CAMCA_ELIMIT;
	return CAMCA_OK;
}

int
where_policies(char *out, size_t out_len)
{
	static const char *const tails[] = { "../share/camca/policies",
	    "../policies", "../../policies" };
	char self[PATH_MAX];
	size_t i;

	if (where_self(self, sizeof self) == CAMCA_OK)
		for (i = 0; i < sizeof tails / sizeof tails[0]; i++)
			if (where_try(self, tails[i], out, out_len) ==
			    CAMCA_OK)
				return CAMCA_OK;
	return where_try(CAMCA_PREFIX, "share/camca/policies", out, out_len);
}

/* "8443" of a "est 8443" line; CAMCA_EINVAL for what is no port. */
static int
where_port(const char *digits, size_t n, unsigned *out)
{
	unsigned v = 0;
	size_t i;

	if (n == 0 || n > 5)
		return CAMCA_EINVAL;
	for (i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return CAMCA_EINVAL;
		v = v * 10 + (unsigned)(digits[i] - '0');
	}
	if (v == 0 || v > 65535)
		return CAMCA_EINVAL;
	*out = v;
	return CAMCA_OK;
}

int
where_ports(const char *text, unsigned *est, unsigned *http)
{
	size_t n;
	int ret = CAMCA_OK;

	for (; *text != '\0' && ret == CAMCA_OK; text += n) {
		n = strcspn(text, "\n");
		if (strncmp(text, "est ", 4) == 0)
			ret = where_port(text + 4, n - 4, est);
		else if (strncmp(text, "http ", 5) == 0)
			ret = where_port(text + 5, n - 5, http);
		n += text[n] == '\n';
	}
	return ret;
}

static int
where_read_ports(const char *state, unsigned *est, unsigned *http)
{
	char path[PATH_MAX];
	struct buf b;
	int ret;

	buf_init(&b, 0);
	ret = file_join(path, sizeof path, state, "gate/ports");
	if (ret == CAMCA_OK)
		ret = file_read(path, 4096, &b);
	if (ret == CAMCA_OK)
		ret = where_ports(buf_str(&b), est, http);
	buf_fini(&b);
	return ret;
}

int
where_urls(const char *state, struct where_urls *out, char *error,
    size_t error_len)
{
	struct config *c = malloc(sizeof *c);
	unsigned est, http;
	const char *open = "", *close = "";
	int ret;

	if (c == NULL) {
		snprintf(error, error_len, "out of memory");
		return CAMCA_ENOMEM;
	}
	ret = config_load(c, state, error, error_len);
	if (ret < 0)
		goto out;
	est = c->est_port;
	http = c->http_port;
	if ((est == 0 || http == 0) &&
	    (where_read_ports(state, &est, &http) < 0 || est == 0)) {
		snprintf(error, error_len, "the gate listens on any free port "
		    "and %s/gate/ports does not say which: is it running?",
		    state);
		ret = CAMCA_EINVAL;
		goto out;
	}
	if (strchr(c->names[0], ':') != NULL) {
		open = "[";
		close = "]";
	}
	snprintf(out->est, sizeof out->est, "https://%s%s%s:%u/.well-known/est",
	    open, c->names[0], close, est);
	snprintf(out->http, sizeof out->http, "http://%s%s%s:%u", open,
	    c->names[0], close, http);
out:
	free(c);
	return ret;
}
