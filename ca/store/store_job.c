/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs of site agents, their steps, and how a site's series goes. */
#include "ca/store/store_job.h"

#include "ca/store/tx.h"

static const char *const job_states[JOB_STATES] = { "waiting", "leased",
	"done", "failed", "cancelled", "parked" };

const char *
job_state_name(int64_t state)
{
	return state >= 0 && state < JOB_STATES ? job_states[state] : "?";
}

int
job_state_parse(const char *name)
{
	int i;

	for (i = 0; i < JOB_STATES; i++)
		if (strcmp(job_states[i], name) == 0)
			return i;
	return -1;
}

static const struct col job_cols[] = {
	COL(INT, job_row, id),
	COL(INT, job_row, device),
	COL(TEXT, job_row, site),
	COL(INT, job_row, kind),
	COL(INT, job_row, mode),
	COL(INT, job_row, account),
	COL(INT, job_row, series),
	COL(INT, job_row, state),
	COL(INT, job_row, agent),
	COL(INT, job_row, lease_until_ms),
	COL(INT, job_row, attempts),
	COL(INT, job_row, step),
	COL(INT, job_row, end),
	COL(INT, job_row, not_before_ms),
	COL(INT, job_row, created_ms),
	COL(TEXT, job_row, created_by),
	COL(TEXT, job_row, reason),
	COL(TEXT, job_row, outcome),
	COL(TEXT, job_row, detail),
	COL(INT, job_row, updated_ms),
	COL(TEXT, job_row, device_id),
};
#define JOB_COL_LEASE 9
#define JOB_COL_UPDATED 19

LIST_VISIT(job_row)

int
store_job_insert(struct tx *tx, struct job_row *r)
{
	/* All but its id, and the device's, which is read only. */
	struct db_val v[COUNT(job_cols) - 2];
	int err;

	if ((err = row_vals(job_cols + 1, COUNT(v), r, v)) < 0)
		return err;
	return tx_insert(tx, ST_JOB_INSERT, v, COUNT(v), &r->id);
}

int
store_job_get(struct tx *tx, int64_t id, struct job_row *out)
{
	struct db_val v = db_int(id);

	return tx_get(tx, ST_JOB_GET, &v, 1, job_cols, COUNT(job_cols), out);
}

int
store_job_move(struct tx *tx, const struct job_row *r, enum job_state from)
{
	const struct db_val v[] = { db_int(r->id), db_int((int64_t)from),
	    db_int(r->state), db_int(r->agent), db_int(r->lease_until_ms),
	    db_int(r->attempts), db_int(r->step), db_int(r->end),
	    db_int(r->not_before_ms), db_text(r->outcome), db_text(r->detail),
	    db_int(r->updated_ms) };

	return tx_change(tx, ST_JOB_MOVE, v, COUNT(v), ST_JOB_EXISTS);
}

int
store_job_list(struct tx *tx, const struct job_filter *f, int64_t before,
    int64_t limit, int (*fn)(const struct job_row *r, void *arg), void *arg)
{
	struct list l = { ST_JOB_LIST, job_cols, COUNT(job_cols),
	    sizeof (struct job_row), LIST_INT, 0 };
	struct job_row_list visit = { fn, arg };
	struct db_val v[6] = { db_int(before > 0 ? before : INT64_MAX),
	    db_int(0), db_int(f->state), db_int(f->kind), db_text(f->site),
	    db_int(f->device) };

	if (f->device != 0)
		l.id = ST_JOB_LIST_DEVICE;
	return tx_list(tx, &l, v, f->device != 0 ? 6 : 5, limit,
	    job_row_visit, &visit);
}

int
store_job_ready(struct tx *tx, const char *site, int64_t now_ms,
    int64_t after_id, int (*fn)(const struct job_row *r, void *arg),
    void *arg)
{
	static const struct list l = { ST_JOB_READY, job_cols,
	    COUNT(job_cols), sizeof (struct job_row), LIST_INT, 0 };
	struct job_row_list visit = { fn, arg };
	struct db_val v[4] = { db_int(after_id), db_int(0), db_text(site),
	    db_int(now_ms) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, job_row_visit, &visit);
}

int
store_job_leased(struct tx *tx, int64_t agent,
    int (*fn)(const struct job_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_JOB_LEASED, job_cols,
	    COUNT(job_cols), sizeof (struct job_row), LIST_INT, 0 };
	struct job_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(agent) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, job_row_visit, &visit);
}

int
store_job_over(struct tx *tx, int64_t now_ms,
    int (*fn)(const struct job_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_JOB_OVER, job_cols,
	    COUNT(job_cols), sizeof (struct job_row), LIST_INT,
	    JOB_COL_LEASE };
	struct job_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(now_ms) };

	return tx_list(tx, &l, v, COUNT(v), INT64_MAX, job_row_visit, &visit);
}

int
store_job_old(struct tx *tx, int64_t before_ms, int64_t limit,
    int (*fn)(const struct job_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_JOB_OLD, job_cols, COUNT(job_cols),
	    sizeof (struct job_row), LIST_INT, JOB_COL_UPDATED };
	struct job_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(0), db_int(0), db_int(before_ms) };

	return tx_list(tx, &l, v, COUNT(v), limit, job_row_visit, &visit);
}

int
store_job_delete(struct tx *tx, int64_t id)
{
	struct db_val v = db_int(id);
	struct job_row r;
	int err = store_job_get(tx, id, &r);

	if (err < 0 || (r.state != JOB_DONE && r.state != JOB_FAILED &&
	    r.state != JOB_CANCELLED))
		return err < 0 ? err : CAMCA_ENOENT;
	if ((err = tx_exec(tx, ST_JOB_DELETE_STEPS, &v, 1, NULL)) < 0)
		return err;
	return tx_exec(tx, ST_JOB_DELETE, &v, 1, NULL);
}

int
store_job_leased_count(struct tx *tx, const char *site, int64_t *out)
{
	struct db_val v = db_text(site);

	return tx_int(tx, ST_JOB_LEASED_COUNT, &v, 1, out);
}

int
store_job_open(struct tx *tx, int64_t device, int64_t kind, int64_t mode,
    int64_t account, struct job_row *out)
{
	const struct db_val v[] = { db_int(device), db_int(kind),
	    db_int(mode), db_int(account) };

	return tx_get(tx, ST_JOB_OPEN, v, COUNT(v), job_cols,
	    COUNT(job_cols), out);
}

int
store_job_parked(struct tx *tx, int64_t limit,
    int (*fn)(const struct job_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_JOB_PARKED, job_cols,
	    COUNT(job_cols), sizeof (struct job_row), LIST_INT, 0 };
	struct job_row_list visit = { fn, arg };
	struct db_val v[2] = { db_int(0), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, job_row_visit, &visit);
}

/* ---- steps ---- */

static const struct col step_cols[] = {
	COL(INT, job_step_row, job),
	COL(INT, job_step_row, n),
	COL(INT, job_step_row, attempt),
	COL(INT, job_step_row, step),
	COL(INT, job_step_row, outcome),
	COL(TEXT, job_step_row, code),
	COL(TEXT, job_step_row, before),
	COL(TEXT, job_step_row, after),
	COL(TEXT, job_step_row, detail),
	COL(INT, job_step_row, time_ms),
};
#define STEP_COL_N 1

LIST_VISIT(job_step_row)

int
store_job_step_last(struct tx *tx, int64_t job, struct job_step_row *out)
{
	struct db_val v = db_int(job);

	return tx_get(tx, ST_JOB_STEP_LAST, &v, 1, step_cols,
	    COUNT(step_cols), out);
}

int
store_job_step_insert(struct tx *tx, struct job_step_row *r)
{
	struct db_val v[COUNT(step_cols)];
	struct job_step_row last;
	int err;

	err = store_job_step_last(tx, r->job, &last);
	if (err < 0 && err != CAMCA_ENOENT)
		return err;
	r->n = err == CAMCA_OK ? last.n + 1 : 1;
	if ((err = row_vals(step_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_JOB_STEP_INSERT, v, COUNT(v), NULL);
}

int
store_job_step_list(struct tx *tx, int64_t job, int64_t after_n,
    int64_t limit, int (*fn)(const struct job_step_row *r, void *arg),
    void *arg)
{
	static const struct list l = { ST_JOB_STEP_LIST, step_cols,
	    COUNT(step_cols), sizeof (struct job_step_row), LIST_INT,
	    STEP_COL_N };
	struct job_step_row_list visit = { fn, arg };
	struct db_val v[3] = { db_int(after_n), db_int(0), db_int(job) };

	return tx_list(tx, &l, v, COUNT(v), limit, job_step_row_visit,
	    &visit);
}

/* ---- what was done last, and how a series goes ---- */

static const struct col last_cols[] = {
	COL(INT, job_last_row, device),
	COL(INT, job_last_row, kind),
	COL(INT, job_last_row, ended_ms),
	COL(INT, job_last_row, ok_ms),
};

int
store_job_last_put(struct tx *tx, const struct job_last_row *r)
{
	struct db_val v[COUNT(last_cols)];
	int err;

	if ((err = row_vals(last_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_JOB_LAST_PUT, v, COUNT(v), NULL);
}

int
store_job_last_get(struct tx *tx, int64_t device, int64_t kind,
    struct job_last_row *out)
{
	const struct db_val v[] = { db_int(device), db_int(kind) };
	int err = tx_get(tx, ST_JOB_LAST_GET, v, COUNT(v), last_cols,
	    COUNT(last_cols), out);

	if (err != CAMCA_ENOENT)
		return err;
	*out = (struct job_last_row){ .device = device, .kind = kind };
	return CAMCA_OK;
}

int
store_job_clock_back(struct tx *tx, int64_t now_ms)
{
	static const enum stmt_id ids[] = { ST_AHEAD_LEASE, ST_AHEAD_WAIT,
	    ST_AHEAD_JOB, ST_AHEAD_LAST, ST_AHEAD_SECRET, ST_AHEAD_AGENT };
	const struct db_val now = db_int(now_ms);
	size_t i;
	int err = CAMCA_OK;

	for (i = 0; i < COUNT(ids) && err == CAMCA_OK; i++)
		err = tx_exec(tx, ids[i], &now, 1, NULL);
	return err;
}

static const struct col login_cols[] = {
	COL(INT, login_row, device),
	COL(INT, login_row, failed),
	COL(INT, login_row, last_ms),
	COL(INT, login_row, job),
	COL(INT, login_row, granted),
};

int
store_login_put(struct tx *tx, const struct login_row *r)
{
	struct db_val v[COUNT(login_cols)];
	int err;

	if ((err = row_vals(login_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_LOGIN_PUT, v, COUNT(v), NULL);
}

int
store_login_get(struct tx *tx, int64_t device, struct login_row *out)
{
	const struct db_val v[] = { db_int(device) };
	int err = tx_get(tx, ST_LOGIN_GET, v, COUNT(v), login_cols,
	    COUNT(login_cols), out);

	if (err != CAMCA_ENOENT)
		return err;
	*out = (struct login_row){ .device = device };
	return CAMCA_OK;
}

static const struct col site_cols[] = {
	COL(TEXT, job_site_row, site),
	COL(INT, job_site_row, failures),
	COL(INT, job_site_row, stopped_ms),
	COL(TEXT, job_site_row, code),
};

int
store_job_site_put(struct tx *tx, const struct job_site_row *r)
{
	struct db_val v[COUNT(site_cols)];
	int err;

	if ((err = row_vals(site_cols, COUNT(v), r, v)) < 0)
		return err;
	return tx_exec(tx, ST_JOB_SITE_PUT, v, COUNT(v), NULL);
}

int
store_job_site_get(struct tx *tx, const char *site, struct job_site_row *out)
{
	struct db_val v = db_text(site);
	int err = tx_get(tx, ST_JOB_SITE_GET, &v, 1, site_cols,
	    COUNT(site_cols), out);

	if (err != CAMCA_ENOENT)
		return err;
	*out = (struct job_site_row){ .failures = 0 };
	if (v.n >= sizeof out->site)
		return CAMCA_EINVAL;
	memcpy(out->site, site, v.n + 1);
	return CAMCA_OK;
}

LIST_VISIT(job_site_row)

int
store_job_site_stopped(struct tx *tx, int64_t limit,
    int (*fn)(const struct job_site_row *r, void *arg), void *arg)
{
	static const struct list l = { ST_JOB_SITE_STOPPED, site_cols,
	    COUNT(site_cols), sizeof (struct job_site_row), LIST_TEXT, 0 };
	struct job_site_row_list visit = { fn, arg };
	struct db_val v[2] = { db_text(""), db_int(0) };

	return tx_list(tx, &l, v, COUNT(v), limit, job_site_row_visit,
	    &visit);
}
