/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of the operation table, one file a noun. Each returns 0 with
 * c->result set, or a negative error with c->why filled where a rule refused. */
#ifndef CAMCA_AUTHORITY_OPS_H
#define CAMCA_AUTHORITY_OPS_H

#include "ca/authority/authority.h"

#define OP(fn) CAMCA_MUST int fn(struct op_call *c)

/* op_system.c */
OP(op_system_ping);
OP(op_system_ops);
OP(op_system_clock_accept);
/* doctor.c */
OP(op_system_doctor);
/* op_site.c */
OP(op_site_add);
OP(op_site_list);
/* op_device.c */
OP(op_device_add);
OP(op_device_list);
OP(op_device_show);
OP(op_device_document);
/* op_move.c */
OP(op_device_move);
/* op_import.c */
OP(op_device_import);
/* op_secret.c */
OP(op_enroll_secret);
OP(op_device_labels);
/* op_vault.c, op_vault_import.c */
OP(op_vault_list);
OP(op_vault_rotate);
OP(op_vault_reveal);
OP(op_vault_import);
/* op_enroll.c */
OP(op_enroll_list);
OP(op_enroll_approve);
OP(op_enroll_deny);
/* op_ca.c */
OP(op_ca_list);
OP(op_ca_rollover);
OP(op_ca_certificate);
/* op_ca_add.c */
OP(op_ca_add);
/* op_crl.c */
OP(op_crl_get);
OP(op_crl_list);
/* op_cert.c */
OP(op_cert_list);
OP(op_cert_show);
/* op_cert_get.c */
OP(op_cert_get);
OP(op_cert_revoke);
OP(op_cert_hold);
OP(op_cert_release);
/* op_revoke.c, op_revoke_show.c */
OP(op_revoke_plan);
OP(op_revoke_apply);
OP(op_revoke_approve);
OP(op_revoke_cancel);
OP(op_revoke_show);
OP(op_revoke_list);
/* op_vendor.c */
OP(op_vendor_add);
OP(op_vendor_crl);
OP(op_vendor_set);
OP(op_vendor_list);
/* op_policy.c */
OP(op_policy_check);
OP(op_policy_reload);
OP(op_policy_list);
/* op_custody_anchor.c */
OP(op_custody_anchor);
OP(op_custody_anchored);
OP(op_custody_timestamp);
/* op_event.c */
OP(op_event_list);
/* op_custody.c */
OP(op_custody_status);
OP(op_custody_tile);
OP(op_custody_entries);
/* op_custody_bundle.c */
OP(op_custody_bundle);
OP(op_custody_show);
/* op_custody_sign.c */
OP(op_custody_checkpoint);
OP(op_custody_sign);
OP(op_custody_key);
OP(op_custody_fsck);
OP(op_custody_fork);
/* op_reach.c */
OP(op_device_reach);
/* op_job.c */
OP(op_job_create);
OP(op_job_list);
OP(op_job_show);
OP(op_job_retry);
OP(op_job_cancel);
/* op_agent.c */
OP(op_agent_add);
OP(op_agent_list);
OP(op_agent_revoke);
/* op_agent_lease.c, op_agent_secret.c, op_agent_report.c */
OP(op_agent_lease);
OP(op_agent_secret);
OP(op_agent_report);
/* op_est.c */
OP(op_est_cacerts);
OP(op_est_csrattrs);
OP(op_est_enroll);
OP(op_est_reenroll);
OP(op_est_refused);
/* op_gate.c */
OP(op_gate_certify);
/* op_ocsp.c */
OP(op_ocsp_certify);
OP(op_ocsp_sign);
/* feed.c */
OP(op_status_feed);

/* op_ca.c: run changes the CAs, one such change at a time; what it leaves in the
 * store is published. */
CAMCA_MUST int ca_change(struct op_call *c,
    int (*run)(struct op_call *c, const struct ca_set *set));

/* Rows as people read them; new references. */
json_t *device_json(const struct device_row *d);
json_t *document_json(const struct document_row *d);
json_t *cert_json(const struct cert_row *r, const char *device,
    const char *issuer);
json_t *pending_json(const struct pending_row *r, const char *device);
/* The lines of device.added and device.imported. */
void device_event_fields(struct event *e, const struct device_row *d);
/* State of a device by name; *out -1 where the argument is absent. */
CAMCA_MUST int device_state_arg(struct op_call *c, const char *name, int *out);
/* Puts the device.document event of r. */
CAMCA_MUST int document_event(struct tx *tx, struct op_call *c,
    const char *device, const struct document_row *r);
const char *cert_status_name(int64_t status);
const char *reason_name(int64_t reason);

#endif
