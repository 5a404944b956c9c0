/* SPDX-License-Identifier: Apache-2.0 */
/* What a process may try that runs as the user of a daemon it has taken over.
 *
 *   intruder call SOCKET OP [JSON]   one operation; prints the answer
 *   intruder sweep SOCKET ROLE       every operation of system.ops that is not
 *                                    ROLE's ("operator", "gate"), one by one
 *   intruder crowd SOCKET N          opens N connections, prints how many are
 *                                    served, keeps them until standard input ends
 *   intruder trace PID               PTRACE_SEIZE
 *
 * Exit code 0: it went through (sweep: not one did), 1: refused, 2: no
 * connection, 3: wrong use. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "ca/base/rpc.h"

#define INTRUDER_WAIT_MS 60000
#define INTRUDER_CROWD_MAX 4096

static int
intruder_call(struct rpc *r, const char *op, const char *args)
{
	json_t *result = NULL;
	struct refusal why = { 0 };
	int ret = rpc_call(r, op, json_loads(args, 0, NULL), INTRUDER_WAIT_MS,
	    &result, &why);

	if (ret < 0) {
		printf("%d %s: %s\n", why.http, why.code, why.detail);
		return why.http == 503 ? 2 : 1;
	}
	json_dumpf(result, stdout, JSON_COMPACT);
	printf("\n");
	json_decref(result);
	return 0;
}

static int
intruder_sweep(struct rpc *r, const char *role)
{
	json_t *table = NULL, *op, *none;
	struct refusal why = { 0 };
	size_t i, tried = 0, through = 0;
	const char *name, *who;

	if (rpc_call(r, "system.ops", NULL, INTRUDER_WAIT_MS, &table,
	    &why) < 0)
		return 2;
	json_array_foreach(json_object_get(table, "ops"), i, op) {
		name = json_string_value(json_object_get(op, "name"));
		who = json_string_value(json_object_get(op, "who"));
		if (strstr(who, role) != NULL)
			continue;
		memset(&why, 0, sizeof why);
		none = NULL;
		tried++;
		if (rpc_call(r, name, NULL, INTRUDER_WAIT_MS, &none,
		    &why) == 0 || strcmp(why.code, "auth.not-permitted") != 0) {
			printf("%s (%s): %s\n", name, who, why.code);
			through++;
		}
		json_decref(none);
	}
	json_decref(table);
	printf("%zu tried, %zu not refused\n", tried, through);
	return tried > 0 && through == 0 ? 0 : 1;
}

static int
intruder_crowd(const char *path, int n)
{
	struct rpc *held[INTRUDER_CROWD_MAX] = { NULL };
	struct refusal why;
	json_t *pong;
	int i, served = 0;

	for (i = 0; i < n; i++) {
		pong = NULL;
		if (rpc_open(&held[i], path) == 0 && rpc_call(held[i],
		    "system.ping", NULL, INTRUDER_WAIT_MS, &pong, &why) == 0)
			served++;
		json_decref(pong);
	}
	printf("%d\n", served);
	fflush(stdout);
	while (getchar() != EOF)
		;
	for (i = 0; i < n; i++)
		rpc_close(held[i]);
	return 0;
}

static int
intruder_socket(int argc, char **argv)
{
	struct rpc *r = NULL;
	int rc;

	if (rpc_open(&r, argv[2]) < 0) {
		printf("no connection\n");
		return 2;
	}
	rc = strcmp(argv[1], "sweep") == 0 ? intruder_sweep(r, argv[3]) :
	    intruder_call(r, argv[3], argc > 4 ? argv[4] : "{}");
	rpc_close(r);
	return rc;
}

int
main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[argc - 1], NULL, 10) : 0;

	if (argc == 3 && strcmp(argv[1], "trace") == 0)
		return ptrace(PTRACE_SEIZE, (pid_t)n, NULL, NULL) == 0 ? 0 : 1;
	if (argc == 4 && strcmp(argv[1], "crowd") == 0 && n > 0 &&
	    n <= INTRUDER_CROWD_MAX)
		return intruder_crowd(argv[2], (int)n);
	if (argc >= 4 && (strcmp(argv[1], "call") == 0 ||
	    strcmp(argv[1], "sweep") == 0))
		return intruder_socket(argc, argv);
	fprintf(stderr, "intruder: see its first lines\n");
	return 3;
}
