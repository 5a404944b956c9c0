/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation of camcad. camca help and the API reference come from here. */
#include "ca/authority/ops.h"
#include "ca/base/job_wire.h"

#include <stddef.h>

#define OG (ROLE_OPERATOR | ROLE_GATE)
#define OL (ROLE_OPERATOR | ROLE_LOG)
#define O ROLE_OPERATOR
#define G ROLE_GATE
#define F ROLE_FEED
#define PAGE \
	{ "after", ARG_TEXT, false, 64, "where the page before ended" }, \
	{ "limit", ARG_INT, false, 1000, "items at the most, default 200" }
#define END { NULL, ARG_END, false, 0, NULL }
#define ARGS (const struct op_arg[])

#define EST_ARGS \
	{ "label", ARG_TEXT, true, 64, "EST label, empty for none" }, \
	{ "csr", ARG_BASE64, true, 65536, "PKCS#10, DER" }, \
	{ "user", ARG_TEXT, false, 128, "HTTP Basic user" }, \
	{ "password", ARG_TEXT, false, 256, "HTTP Basic password" }, \
	{ "chain", ARG_LIST, false, 8, "client certificates, DER, leaf first" }, \
	{ "tls", ARG_OBJECT, true, 0, "version, unique, exporter, ems" }, \
	{ "remote", ARG_TEXT, true, 64, "address of the client" }, \
	{ "pop_used", ARG_BOOL, false, 0, "this connection enrolled with PoP already" }

#define AGENT_ARGS \
	{ "chain", ARG_LIST, true, 8, "client certificates, DER, leaf first" }, \
	{ "body", ARG_TEXT, true, JOB_BODY_MAX, "JSON, as the agent sent it" }, \
	{ "remote", ARG_TEXT, true, 64, "address of the agent" }

const struct op op_table[] = {
	{ "system.ping", OG, false, op_system_ping, ARGS { END },
	    "version, node and time" },
	{ "system.ops", OG, false, op_system_ops, ARGS { END },
	    "this table" },
	{ "system.doctor", O, false, op_system_doctor, ARGS { END },
	    "what is wrong and how to mend it" },
	{ "system.clock-accept", O, true, op_system_clock_accept, ARGS { END },
	    "the clock is right now, although it was later once" },
	{ "site.add", O, true, op_site_add, ARGS {
	    { "id", ARG_TEXT, true, 64, "short name" },
	    { "name", ARG_TEXT, true, 128, "name for people" },
	    { "level", ARG_INT, true, 5, "security level 1 to 5" }, END },
	    "add a site" },
	{ "site.list", O, false, op_site_list, ARGS { PAGE, END },
	    "sites in order of id" },
	{ "device.add", O, true, op_device_add, ARGS {
	    { "id", ARG_TEXT, false, 64, "default: made from site and serial" },
	    { "manufacturer", ARG_TEXT, false, 128, "as in the vendor's root" },
	    { "model", ARG_TEXT, false, 128, "" },
	    { "serial", ARG_TEXT, false, 128, "unique for the manufacturer" },
	    { "site", ARG_TEXT, true, 64, "" },
	    { "mac", ARG_TEXT, false, 32, "" },
	    { "hardware_id", ARG_TEXT, false, 128, "" },
	    { "firmware", ARG_TEXT, false, 128, "" },
	    { "place", ARG_TEXT, false, 16, "key-area, public or other" },
	    { "kind", ARG_TEXT, false, 16, "camera or ra" }, END },
	    "register a device" },
	{ "device.import", O, true, op_device_import, ARGS {
	    { "csv", ARG_TEXT, true, 900000, "a part of the file" },
	    { "more", ARG_BOOL, false, 0, "further parts follow" },
	    { "site", ARG_TEXT, false, 64, "for rows without one" },
	    { "partial", ARG_BOOL, false, 0, "keep the good rows" }, END },
	    "register the devices of a CSV file, all or none" },
	{ "device.list", O, false, op_device_list, ARGS {
	    { "site", ARG_TEXT, false, 64, "" },
	    { "manufacturer", ARG_TEXT, false, 128, "" },
	    { "model", ARG_TEXT, false, 128, "" },
	    { "state", ARG_TEXT, false, 16, "" },
	    { "batch", ARG_TEXT, false, 32, "of an import" }, PAGE, END },
	    "devices" },
	{ "device.show", O, false, op_device_show, ARGS {
	    { "id", ARG_TEXT, true, 64, "" }, END },
	    "one device with documents, certificates and queue" },
	{ "device.document", O, true, op_device_document, ARGS {
	    { "device", ARG_TEXT, true, 64, "" },
	    { "kind", ARG_TEXT, true, 16, "origin, quality, assessment, letter" },
	    { "number", ARG_TEXT, true, 128, "" },
	    { "date", ARG_TEXT, true, 24, "YYYY-MM-DD" },
	    { "issuer", ARG_TEXT, true, 128, "" },
	    { "sha256", ARG_TEXT, true, 64, "of the file, hex" },
	    { "expires", ARG_TEXT, false, 24, "" },
	    { "passed", ARG_BOOL, false, 0, "outcome of an assessment" }, END },
	    "record a document of a device" },
	{ "device.labels", O, true, op_device_labels, ARGS {
	    { "ids", ARG_LIST, false, 500, "" },
	    { "site", ARG_TEXT, false, 64, "" },
	    { "batch", ARG_TEXT, false, 32, "" },
	    { "ttl_s", ARG_INT, false, 31536000, "life of the secrets" },
	    PAGE, END },
	    "new one-time secrets for registered devices" },
	{ "device.move", O, true, op_device_move, ARGS {
	    { "id", ARG_TEXT, true, 64, "" },
	    { "state", ARG_TEXT, true, 16, "" },
	    { "reason", ARG_WORDS, true, 128, "" }, END },
	    "change the state of a device" },
	{ "device.reach", O, true, op_device_reach, ARGS {
	    { "id", ARG_TEXT, true, 64, "of a camera" },
	    { "host", ARG_TEXT, true, 253, "DNS name or address" },
	    { "http_port", ARG_INT, false, 65535, "default 80, 0: none" },
	    { "https_port", ARG_INT, false, 65535, "default 443, 0: none" },
	    { "path", ARG_TEXT, false, 128, "of its device service" },
	    { "driver", ARG_TEXT, false, 16, "onvif" },
	    { "tls_sha256", ARG_TEXT, false, 64, "of the certificate it serves" },
	    END }, "where a camera is reached by its site agent" },
	{ "enroll.secret", O, true, op_enroll_secret, ARGS {
	    { "device", ARG_TEXT, true, 64, "" },
	    { "ttl_s", ARG_INT, false, 31536000, "" }, END },
	    "new one-time secret for a device" },
	{ "secret.list", O, false, op_vault_list, ARGS {
	    { "device", ARG_TEXT, false, 64, "" }, PAGE, END },
	    "accounts of cameras, without their passwords" },
	{ "secret.import", O, true, op_vault_import, ARGS {
	    { "csv", ARG_TEXT, true, 900000,
	    "device,username,password[,role][,level]" }, END },
	    "accounts and passwords of a CSV file, all or none" },
	{ "secret.rotate", O, true, op_vault_rotate, ARGS {
	    { "device", ARG_TEXT, false, 64, "" },
	    { "site", ARG_TEXT, false, 64, "or all cameras of a site" },
	    { "account", ARG_TEXT, false, 64,
	    "username; absent: all but break-glass" },
	    { "reason", ARG_WORDS, true, 128, "" }, END },
	    "jobs that give cameras new passwords" },
	{ "secret.reveal", O, true, op_vault_reveal, ARGS {
	    { "device", ARG_TEXT, true, 64, "" },
	    { "account", ARG_TEXT, true, 64, "username" },
	    { "reason", ARG_WORDS, true, 128, "" },
	    { "old", ARG_BOOL, false, 0, "the ones before, too" }, END },
	    "a password in clear; it is rotated next" },
	{ "enroll.list", O, false, op_enroll_list, ARGS {
	    { "state", ARG_TEXT, false, 16, "waiting (default) … all" },
	    PAGE, END },
	    "enrollments that wait for approval" },
	{ "enroll.approve", O, true, op_enroll_approve, ARGS {
	    { "id", ARG_INT, true, INT64_MAX, "" },
	    { "reason", ARG_TEXT, false, 128, "" }, END },
	    "let a waiting enrollment pass" },
	{ "enroll.deny", O, true, op_enroll_deny, ARGS {
	    { "id", ARG_INT, true, INT64_MAX, "" },
	    { "reason", ARG_WORDS, true, 128, "" }, END },
	    "refuse a waiting enrollment" },
	{ "ca.list", O, false, op_ca_list, ARGS { END },
	    "root and issuing CAs, all generations" },
	{ "ca.add", O, true, op_ca_add, ARGS {
	    { "name", ARG_TEXT, true, 64, "as profiles name it" },
	    { "key", ARG_TEXT, false, 16, "key type, default ec-p256" },
	    { "common_name", ARG_TEXT, false, 64, "of its subject" }, END },
	    "a further issuing CA under the root" },
	{ "ca.rollover", O, true, op_ca_rollover, ARGS {
	    { "name", ARG_TEXT, true, 64, "" },
	    { "key", ARG_TEXT, false, 16, "key type, default as now" }, END },
	    "next generation of an issuing CA" },
	{ "ca.certificate", OG, false, op_ca_certificate, ARGS {
	    { "ski", ARG_TEXT, true, 40, "" }, END },
	    "a CA certificate by subject key identifier" },
	{ "cert.list", O, false, op_cert_list, ARGS {
	    { "device", ARG_TEXT, false, 64, "" }, PAGE, END },
	    "certificates" },
	{ "cert.get", OG, false, op_cert_get, ARGS {
	    { "serial", ARG_TEXT, true, 40, "hex" }, END },
	    "one certificate, DER" },
	{ "cert.show", O, false, op_cert_show, ARGS {
	    { "serial", ARG_TEXT, true, 40, "hex" }, END },
	    "one certificate with PEM" },
	{ "cert.revoke", O, true, op_cert_revoke, ARGS {
	    { "serial", ARG_TEXT, true, 40, "hex" },
	    { "reason", ARG_TEXT, true, 32, "RFC 5280 name" },
	    { "text", ARG_WORDS, true, 256, "why, for the record" }, END },
	    "revoke one certificate" },
	{ "cert.hold", O, true, op_cert_hold, ARGS {
	    { "serial", ARG_TEXT, true, 40, "hex" },
	    { "text", ARG_WORDS, true, 256, "why, for the record" }, END },
	    "put one certificate on hold" },
	{ "cert.release", O, true, op_cert_release, ARGS {
	    { "serial", ARG_TEXT, true, 40, "hex" },
	    { "text", ARG_WORDS, true, 256, "why, for the record" }, END },
	    "end the hold of one certificate" },
	{ "revoke.plan", O, true, op_revoke_plan, ARGS {
	    { "action", ARG_TEXT, true, 16, "watch, stop-renewal, hold, release, revoke" },
	    { "reason", ARG_TEXT, true, 256, "why, for the record" },
	    { "reference", ARG_TEXT, false, 256, "number of a letter, id of an advisory" },
	    { "crl_reason", ARG_TEXT, false, 32, "RFC 5280 name, default privilegeWithdrawn" },
	    { "invalidity", ARG_TEXT, false, 24, "not to be trusted since" },
	    { "serial", ARG_LIST, false, 256, "of certificates, hex" },
	    { "device", ARG_LIST, false, 256, "ids" },
	    { "manufacturer", ARG_LIST, false, 256, "patterns, * and ?" },
	    { "model", ARG_LIST, false, 256, "patterns, * and ?" },
	    { "firmware", ARG_TEXT, false, 512, "range, as <5.5.800" },
	    { "site", ARG_LIST, false, 256, "ids" },
	    { "level", ARG_INT, false, 5, "of the site, 1 to 5" },
	    { "place", ARG_TEXT, false, 16, "key-area, public or other" },
	    { "issuer", ARG_TEXT, false, 64, "name, or SKI in hex" },
	    { "issued_after", ARG_TEXT, false, 24, "certificates made from then on" },
	    { "issued_before", ARG_TEXT, false, 24, "and before then" }, END },
	    "preview of a graded action on all that match" },
	{ "revoke.apply", O, true, op_revoke_apply, ARGS {
	    { "batch", ARG_INT, true, INT64_MAX, "" },
	    { "world", ARG_TEXT, false, 64, "of the preview that was seen" }, END },
	    "do what the preview shows, if it is still so" },
	{ "revoke.approve", O, true, op_revoke_approve, ARGS {
	    { "batch", ARG_INT, true, INT64_MAX, "" },
	    { "world", ARG_TEXT, false, 64, "of the preview that was seen" },
	    { "reason", ARG_TEXT, false, 256, "" }, END },
	    "agree to a batch, as another person" },
	{ "revoke.cancel", O, true, op_revoke_cancel, ARGS {
	    { "batch", ARG_INT, true, INT64_MAX, "" },
	    { "reason", ARG_TEXT, false, 256, "" }, END },
	    "give a batch up" },
	{ "revoke.show", O, false, op_revoke_show, ARGS {
	    { "batch", ARG_INT, true, INT64_MAX, "" },
	    { "verdict", ARG_TEXT, false, 16, "changes, undetermined, unchanged" },
	    PAGE, END },
	    "a batch with its items" },
	{ "revoke.list", O, false, op_revoke_list, ARGS {
	    { "state", ARG_TEXT, false, 16, "planned, approved, applied, cancelled" },
	    PAGE, END },
	    "batches, newest first" },
	{ "vendor.add", O, true, op_vendor_add, ARGS {
	    { "name", ARG_TEXT, true, 128, "= manufacturer of its devices" },
	    { "roots", ARG_TEXT, true, 262144, "PEM" },
	    { "crl_required", ARG_BOOL, false, 0, "default true" },
	    { "crl_grace_s", ARG_INT, false, 31536000, "" }, END },
	    "pin the roots of a vendor's factory identities" },
	{ "vendor.crl", O, true, op_vendor_crl, ARGS {
	    { "name", ARG_TEXT, true, 128, "" },
	    { "crls", ARG_TEXT, true, 900000, "PEM" }, END },
	    "store a vendor's newest CRLs" },
	{ "vendor.set", O, true, op_vendor_set, ARGS {
	    { "name", ARG_TEXT, true, 128, "" },
	    { "enabled", ARG_BOOL, true, 0, "" }, END },
	    "switch a vendor's factory identities on or off" },
	{ "vendor.list", O, false, op_vendor_list, ARGS { END },
	    "pinned vendors" },
	{ "policy.check", O, false, op_policy_check, ARGS { END },
	    "read the policy files, change nothing" },
	{ "policy.reload", O, true, op_policy_reload, ARGS { END },
	    "read the policy files and use them" },
	{ "policy.list", O, false, op_policy_list, ARGS { END },
	    "profiles and levels in force" },
	{ "event.list", O, false, op_event_list, ARGS {
	    { "device", ARG_TEXT, false, 64, "" }, PAGE, END },
	    "custody events" },
	{ "custody.status", O, false, op_custody_status, ARGS { END },
	    "how far the custody log is, and who has confirmed it" },
	{ "custody.tile", OL, false, op_custody_tile, ARGS {
	    { "level", ARG_INT, true, 7, "" },
	    { "n", ARG_INT, true, 1LL << 48, "" },
	    { "width", ARG_INT, true, 256, "hashes of it" }, END },
	    "hashes of the custody log, C2SP tlog-tiles" },
	{ "custody.entries", OL, false, op_custody_entries, ARGS {
	    { "n", ARG_INT, true, 1LL << 48, "" },
	    { "width", ARG_INT, true, 256, "entries of it" },
	    { "offset", ARG_INT, false, INT64_MAX, "first byte, default 0" },
	    END }, "entries of the custody log, a page of a bundle" },
	{ "custody.checkpoint", OL, false, op_custody_checkpoint, ARGS {
	    { "size", ARG_INT, false, INT64_MAX, "default: the newest" }, END },
	    "signed checkpoint of the custody log, C2SP tlog-checkpoint" },
	{ "custody.sign", O, false, op_custody_sign, ARGS { END },
	    "sign a checkpoint over all that has happened" },
	{ "custody.key", O, false, op_custody_key, ARGS { END },
	    "verifier keys of the custody log" },
	{ "custody.fsck", O, false, op_custody_fsck, ARGS {
	    { "from", ARG_TEXT, false, 159, "'next' of the step before" }, END },
	    "check the whole custody log once more, a step of it" },
	{ "custody.fork", O, true, op_custody_fork, ARGS {
	    { "reason", ARG_WORDS, true, 256, "why, for the record" },
	    { "number", ARG_INT, false, INT32_MAX, "of the new origin" }, END },
	    "the custody log goes on under a new origin" },
	{ "custody.anchor", G, false, op_custody_anchor, ARGS {
	    { "wait_ms", ARG_INT, false, 1000, "waits where there is nothing" },
	    END }, "next request to a witness or TSA, for camca-anchor" },
	{ "custody.anchored", G, true, op_custody_anchored, ARGS {
	    { "id", ARG_TEXT, true, 32, "of the request" },
	    { "status", ARG_INT, false, 599, "of the HTTP answer" },
	    { "type", ARG_TEXT, false, 128, "its Content-Type" },
	    { "body", ARG_BASE64, false, 90000, "" },
	    { "error", ARG_TEXT, false, 256, "why there is no answer" }, END },
	    "what came back" },
	{ "custody.timestamp", O, true, op_custody_timestamp, ARGS { END },
	    "RFC 3161 time-stamps over the newest checkpoint, now" },
	{ "custody.bundle", O, true, op_custody_bundle, ARGS {
	    { "device", ARG_TEXT, false, 64, "begin with this one; absent: go on" },
	    { "timestamp", ARG_BOOL, false, 0, "with a new RFC 3161 time-stamp" },
	    END }, "evidence bundle of a device, a page of its files" },
	{ "custody.show", O, false, op_custody_show, ARGS {
	    { "device", ARG_TEXT, true, 64, "- for what concerns none" }, PAGE,
	    END }, "what the log has of a device, in sentences" },
	{ "job.create", O, true, op_job_create, ARGS {
	    { "kind", ARG_TEXT, true, 32, "enroll, renew, rotate-password, push-crl, observe, retire" },
	    { "device", ARG_TEXT, false, 64, "one camera" },
	    { "site", ARG_TEXT, false, 64, "or all cameras of a site" },
	    { "mode", ARG_TEXT, false, 16, "apply, plan, rollback" },
	    { "account", ARG_TEXT, false, 64, "of rotate-password: this one only" },
	    { "reason", ARG_WORDS, false, 256, "why, for the record" },
	    { "at", ARG_TEXT, false, 24, "not before then" }, END },
	    "work for a site agent" },
	{ "job.list", O, false, op_job_list, ARGS {
	    { "state", ARG_TEXT, false, 16, "waiting, leased, done, failed, cancelled, parked" },
	    { "kind", ARG_TEXT, false, 32, "" },
	    { "device", ARG_TEXT, false, 64, "" },
	    { "site", ARG_TEXT, false, 64, "" }, PAGE, END },
	    "jobs, newest first" },
	{ "job.show", O, false, op_job_show, ARGS {
	    { "job", ARG_INT, true, INT64_MAX, "" }, PAGE, END },
	    "one job with its steps" },
	{ "job.retry", O, true, op_job_retry, ARGS {
	    { "job", ARG_INT, false, INT64_MAX, "" },
	    { "site", ARG_TEXT, false, 64, "or what failed at a site, whose series goes on" },
	    { "reason", ARG_WORDS, false, 256, "" }, END },
	    "let a failed or parked job begin anew" },
	{ "job.cancel", O, true, op_job_cancel, ARGS {
	    { "job", ARG_INT, true, INT64_MAX, "" },
	    { "reason", ARG_WORDS, true, 256, "why, for the record" }, END },
	    "give a job up; an agent at work stops at the next safe point" },
	{ "agent.add", O, true, op_agent_add, ARGS {
	    { "id", ARG_TEXT, true, 64, "" },
	    { "site", ARG_TEXT, true, 64, "whose cameras it looks after" }, END },
	    "register a site agent, with its one-time secret" },
	{ "agent.list", O, false, op_agent_list, ARGS {
	    { "site", ARG_TEXT, false, 64, "" }, PAGE, END },
	    "site agents: last seen, version, jobs at work" },
	{ "agent.revoke", O, true, op_agent_revoke, ARGS {
	    { "id", ARG_TEXT, true, 64, "" },
	    { "reason", ARG_WORDS, true, 128, "why, for the record" }, END },
	    "cut an agent off, and change every password that it was given" },
	{ "agent.lease", G, true, op_agent_lease, ARGS { AGENT_ARGS, END },
	    "work for an agent, of its own site" },
	{ "agent.secret", G, true, op_agent_secret, ARGS { AGENT_ARGS, END },
	    "a new password, sealed to the agent that works at the camera" },
	{ "agent.report", G, true, op_agent_report, ARGS { AGENT_ARGS, END },
	    "what a step of a job read and did" },
	{ "est.cacerts", OG, false, op_est_cacerts, ARGS {
	    { "label", ARG_TEXT, true, 64, "" }, END },
	    "RFC 7030 4.1" },
	{ "est.csrattrs", OG, false, op_est_csrattrs, ARGS {
	    { "label", ARG_TEXT, true, 64, "" }, END },
	    "RFC 7030 4.5" },
	{ "est.enroll", G, true, op_est_enroll, ARGS { EST_ARGS, END },
	    "RFC 7030 4.2.1" },
	{ "est.reenroll", G, true, op_est_reenroll, ARGS { EST_ARGS, END },
	    "RFC 7030 4.2.2" },
	{ "est.refused", G, true, op_est_refused, ARGS {
	    { "op", ARG_TEXT, true, 64, "" },
	    { "label", ARG_TEXT, false, 64, "" },
	    { "http", ARG_INT, true, 599, "" },
	    { "code", ARG_TEXT, true, 63, "" },
	    { "detail", ARG_TEXT, true, 511, "" },
	    { "remote", ARG_TEXT, false, 64, "" },
	    { "count", ARG_INT, false, INT64_MAX, "" }, END },
	    "a refusal that the gate made itself" },
	{ "gate.certify", G, true, op_gate_certify, ARGS {
	    { "csr", ARG_BASE64, true, 65536, "PKCS#10, DER" }, END },
	    "TLS certificate of the gate" },
	{ "ocsp.certify", G, true, op_ocsp_certify, ARGS {
	    { "issuer", ARG_TEXT, true, 40, "key identifier of the CA, hex" },
	    { "csr", ARG_BASE64, false, 65536, "PKCS#10; none: the HSM's" },
	    END },
	    "certificate for OCSP answers about a CA's certificates" },
	{ "ocsp.sign", G, true, op_ocsp_sign, ARGS {
	    { "issuer", ARG_TEXT, true, 40, "key identifier of the CA, hex" },
	    { "tbs", ARG_BASE64, true, 16384, "ResponseData, DER" }, END },
	    "signature of an OCSP answer, where the store agrees" },
	{ "status.feed", F, false, op_status_feed, ARGS {
	    { "gate", ARG_TEXT, true, 32, "name of the gate's process" },
	    { "store", ARG_TEXT, true, 32, "as answered before, empty: none" },
	    { "after_cert", ARG_INT, true, INT64_MAX, "certificates it has" },
	    { "after_rev", ARG_INT, false, INT64_MAX, "changes it has; absent: none" },
	    { "issuers", ARG_INT, false, INT64_MAX, "list of issuers it has" },
	    { "wait_ms", ARG_INT, false, 1000, "waits where nothing is new" },
	    { "leaving", ARG_BOOL, false, 0, "it gives no answers any more" }, END },
	    "what changed in the status of certificates" },
	{ "crl.get", OG, false, op_crl_get, ARGS {
	    { "ski", ARG_TEXT, true, 40, "" },
	    { "number", ARG_INT, false, INT64_MAX, "go on with this one" },
	    { "offset", ARG_INT, false, INT64_MAX, "first byte, default 0" },
	    { "have", ARG_INT, false, INT64_MAX, "no bytes of this number" },
	    END }, "current CRL of a CA, a page of it" },
	{ "crl.list", O, false, op_crl_list, ARGS { END },
	    "CRLs of all CAs: number, entries, size, times" },
	{ NULL, 0, false, NULL, NULL, NULL },
};
