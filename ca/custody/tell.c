/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/custody/tell.h"

#include <stdio.h>
#include <string.h>

/* A type that is missing here is told by its name alone; a test looks that none
 * is. */
static const struct {
	const char *type, *pattern;
} patterns[] = {
	{ "site.added", "Site {site} added, level {level}" },
	{ "device.added", "Registered at site {site}: {manufacturer} {model}, "
	    "serial number {serial}[, firmware {firmware}]" },
	{ "device.imported", "Registered at site {site} by import {batch}: "
	    "{manufacturer} {model}, serial number {serial}[, firmware "
	    "{firmware}]" },
	{ "device.document", "Document recorded: {kind} {number}[, issued by "
	    "{issuer}][, passed: {passed}][, until {expires}]" },
	{ "device.moved", "Device moved from {from} to {to}[; restriction "
	    "{restriction}][; its certificate is now {status}][ "
	    "({crl-reason})][: {reason}][ (batch {batch})][ (reference "
	    "{reference})]" },
	{ "secret.made", "One-time secret made, good until {expires}" },
	{ "secret.failed", "A wrong secret was tried (attempt {attempts})" },
	{ "secret.locked", "Secret locked after {attempts} wrong attempts" },
	{ "vault.key", "Key of the vault made" },
	{ "secret.imported", "Password of account {account} ({role}) "
	    "imported" },
	{ "secret.pending", "New password for account {account} ({role}) "
	    "made[ for job {job}]" },
	{ "secret.rotated", "Password of account {account} ({role}) changed[ "
	    "by job {job}]" },
	{ "secret.revealed", "Password of account {account} ({role})[ and {old} "
	    "before it] shown: {reason}" },
	{ "secret.compromised", "Password of account {account} ({role}, "
	    "{state}) is known to others: {reason}" },
	{ "enroll.refused", "Enrollment refused by rule {rule}[: {reason}]" },
	{ "reenroll.refused", "Renewal refused by rule {rule}[: {reason}]" },
	{ "enroll.pending", "Enrollment waits for a person[ (asked by "
	    "{auth})]" },
	{ "enroll.approved", "Enrollment approved[: {reason}]" },
	{ "enroll.denied", "Enrollment denied[: {reason}]" },
	{ "enroll.expired", "Waiting enrollment expired" },
	{ "cert.issued", "Certificate issued (profile {profile}, identity by "
	    "{auth})" },
	{ "cert.renewed", "Certificate renewed (profile {profile})" },
	{ "cert.revoked", "Certificate is now {status}[ ({crl-reason})][: "
	    "{reason}][ (batch {batch})][; not to be trusted since "
	    "{invalidity}][ (reference {reference})]" },
	{ "cert.superseded", "Certificate superseded by {replaced-by}" },
	{ "revoke.planned", "Batch {batch} planned: {action} for {devices} "
	    "devices, {certificates} certificates: {reason}" },
	{ "revoke.changed", "Preview of batch {batch} changed: {devices} "
	    "devices" },
	{ "revoke.approved", "Batch {batch} approved[: {reason}]" },
	{ "revoke.applied", "Batch {batch} applied: {action} for {devices} "
	    "devices, {certificates} certificates: {reason}" },
	{ "revoke.cancelled", "Batch {batch} cancelled[: {reason}]" },
	{ "ca.created", "CA {ca} created[ ({key-type})]" },
	{ "ca.rollover", "CA {ca} goes on as generation {generation}" },
	{ "ceremony.init", "Authority founded[ (camca {version})]" },
	{ "gate.certified", "Gate got a certificate (profile {profile})" },
	{ "ocsp.certified", "OCSP responder key certified ({signer})" },
	{ "gate.refused", "Gate refused by rule {rule}[: {reason}]" },
	{ "vendor.added", "Vendor {vendor} added" },
	{ "vendor.changed", "Vendor {vendor} changed[, enabled: "
	    "{enabled}][: {reason}]" },
	{ "policy.loaded", "Policy {policy} in force" },
	{ "crl.issued", "CRL {number} issued[, {entries} entries]" },
	{ "crl.overdue", "CRL {number} is overdue: {reason}" },
	{ "throttle.summary", "{count} times refused by rule {rule}" },
	{ "request.refused", "Request refused by rule {rule}[: {reason}]" },
	{ "key.activated", "Certificate used for the first time" },
	{ "clock.back", "Clock of the authority went back: it was {last} "
	    "before" },
	{ "clock.accepted", "Clock of the authority accepted as it is[: "
	    "{reason}]" },
	{ "custody.key", "Key of the log in use ({alg}, {key-id})" },
	{ "custody.halted", "Checkpoints are not signed any more: {reason}" },
	{ "custody.forked", "Log goes on as {origin}[ from {size} entries "
	    "on]: {reason}" },
	{ "custody.timestamp", "Time-stamp of {tsa} over {size} entries" },
	{ "custody.witness", "Witness {witness} is now {state}[: "
	    "{reason}]" },
	{ "device.reach", "Address for the site agent recorded (driver "
	    "{driver})" },
	{ "job.created", "Job {job} made: {kind}, {mode}: {reason}" },
	{ "job.leased", "Job {job} ({kind}) begun by agent {agent}, attempt "
	    "{attempt}" },
	{ "job.ended", "Job {job} ({kind}, {mode}) has ended: {state}[, "
	    "{code}][: {reason}]" },
	{ "job.cancelled", "Job {job} ({kind}) cancelled: {reason}" },
	{ "job.retried", "Job {job} ({kind}) is tried anew[: {reason}]" },
	{ "job.stopped", "Series of jobs at site {site} stopped after "
	    "{failures} failures in a row, the last one {code}" },
	{ "job.resumed", "Series of jobs at site {site} goes on[: "
	    "{reason}]" },
	{ "agent.revoked", "Site agent revoked: {reason} ({jobs} jobs taken "
	    "back, {secrets} passwords are changed)" },
	{ "camera.observed", "Camera looked at by job {job}[: {manufacturer} "
	    "{model}][, serial number {serial}][, firmware {firmware}]" },
	{ "camera.finding", "Camera is not as it should be: {rule}[, expected "
	    "{declared}][, read {read}][; action: {action}][: {reason}]" },
	{ "camera.cleared", "Camera is as it should be again: {rule}" },
	{ "record.unreadable", "A record that no program here can read" },
};

const char *
event_tell_pattern(const char *type)
{
	size_t i;

	for (i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (strcmp(patterns[i].type, type) == 0)
			return patterns[i].pattern;
	return NULL;
}

struct tell {
	const struct event_view *v;
	char *out;
	size_t n;
	bool absent;                   /* a key that the event does not have */
};

static void
tell_put(struct tell *t, const char *p, size_t n)
{
	if (n > TELL_MAX - 1 - t->n)
		n = TELL_MAX - 1 - t->n;
	memcpy(t->out + t->n, p, n);
	t->n += n;
	t->out[t->n] = '\0';
}

/* "{key}"; returns what comes behind it. */
static const char *
tell_key(struct tell *t, const char *p)
{
	const char *end = strchr(p, '}');
	struct event_text value;
	char key[32];

	if (end == NULL || (size_t)(end - p) > sizeof key)
		return p + strlen(p);
	snprintf(key, sizeof key, "%.*s", (int)(end - p - 1), p + 1);
	if (event_view_get(t->v, key, &value) < 0 ||
	    (value.n == 1 && value.p[0] == '-'))
		t->absent = true;
	else
		tell_put(t, value.p, value.n);
	return end + 1;
}

/* A part up to the closing bracket, taken back where one of its keys is absent.
 * Returns what comes behind it. */
static const char *
tell_part(struct tell *t, const char *p)
{
	size_t before = t->n;

	t->absent = false;
	for (p++; *p != '\0' && *p != ']';) {
		if (*p == '{') {
			p = tell_key(t, p);
		} else {
			tell_put(t, p, 1);
			p++;
		}
	}
	if (t->absent)
		t->n = before;
	t->out[t->n] = '\0';
	t->absent = false;
	return *p == ']' ? p + 1 : p;
}

void
event_tell(const struct event_view *v, char out[static TELL_MAX])
{
	struct tell t = { .v = v, .out = out };
	const char *p = event_tell_pattern(v->type->name);

	out[0] = '\0';
	if (p == NULL)
		p = v->type->name;
	while (*p != '\0') {
		if (*p == '{') {
			p = tell_key(&t, p);
		} else if (*p == '[') {
			p = tell_part(&t, p);
		} else {
			tell_put(&t, p, 1);
			p++;
		}
	}
	refusal_sanitize(out);
}
