/* SPDX-License-Identifier: Apache-2.0 */
/* Every type of event and its lines, in the order in which they are written
 * (docs/EVENTS.md; a test compares the two). "?" after a key: it may be absent.
 * A new type is one new row. A released row only ever grows: a new key goes to
 * its end and carries "?", so that old events still parse.
 *
 * Left out on purpose, since the log is meant to be shown: network addresses
 * (personal data in many countries; the local log has them), selectors of
 * one-time secrets (whoever knows one can lock the secret), people's names. */
/* No include guard: whoever includes this defines EVENT_TYPE(name, keys). */
EVENT_TYPE("site.added", "site level")
EVENT_TYPE("device.added",
    "site kind place manufacturer model serial mac? hardware-id? firmware?")
EVENT_TYPE("device.imported",
    "batch site kind place manufacturer model serial mac? hardware-id? "
    "firmware?")
EVENT_TYPE("device.document",
    "kind number issuer? date expires? passed? sha256")
EVENT_TYPE("device.moved",
    "from to reason? batch? restriction? serial? issuer-ski? status? "
    "crl-reason? invalidity? rev-seq? reference?")
EVENT_TYPE("secret.made", "expires")
EVENT_TYPE("secret.failed", "attempts op? label?")
EVENT_TYPE("secret.locked", "attempts")
EVENT_TYPE("vault.key", "spki")
EVENT_TYPE("secret.imported", "account role job?")
EVENT_TYPE("secret.pending", "account role job?")
EVENT_TYPE("secret.rotated", "account role job?")
EVENT_TYPE("secret.revealed", "account role reason old?")
EVENT_TYPE("secret.compromised", "account role state reason")
EVENT_TYPE("enroll.refused", "rule http op? label? spki? reason?")
EVENT_TYPE("reenroll.refused", "rule http op? label? serial? spki? reason?")
EVENT_TYPE("enroll.pending", "label spki expires? auth? policy? ra-serial?")
EVENT_TYPE("enroll.approved", "label spki reason?")
EVENT_TYPE("enroll.denied", "label spki reason?")
EVENT_TYPE("enroll.expired", "label spki")
EVENT_TYPE("cert.issued",
    "cert-sha256 serial issuer-ski profile policy spki auth label? ra-serial?")
EVENT_TYPE("cert.renewed",
    "cert-sha256 serial issuer-ski profile policy spki auth replaces label? "
    "ra-serial?")
EVENT_TYPE("cert.revoked",
    "serial issuer-ski status crl-reason rev-seq? reason? batch? invalidity? "
    "reference?")
EVENT_TYPE("cert.superseded", "serial issuer-ski replaced-by rev-seq?")
EVENT_TYPE("revoke.planned",
    "batch action selector selector-sha256 world devices certificates "
    "undetermined unchanged reason reference? crl-reason? invalidity?")
EVENT_TYPE("revoke.changed",
    "batch world devices certificates undetermined unchanged reason?")
EVENT_TYPE("revoke.approved", "batch world devices certificates reason?")
EVENT_TYPE("revoke.applied",
    "batch action world devices certificates rev-seq? policy? reason "
    "reference? crl-reason? invalidity?")
EVENT_TYPE("revoke.cancelled", "batch reason?")
EVENT_TYPE("ca.created",
    "ca generation cert-sha256 ski key-type? not-after? reason?")
EVENT_TYPE("ca.rollover",
    "ca generation cert-sha256 ski old-ski key-type? not-after? reason?")
EVENT_TYPE("ceremony.init", "cert-sha256 ski policy? version? reason?")
EVENT_TYPE("gate.certified",
    "gate? cert-sha256 serial issuer-ski profile policy spki")
EVENT_TYPE("ocsp.certified",
    "cert-sha256 serial issuer-ski spki signer not-after?")
EVENT_TYPE("gate.refused", "gate? rule http op? reason?")
EVENT_TYPE("vendor.added", "vendor roots-sha256 crls-sha256? crl-required?")
EVENT_TYPE("vendor.changed",
    "vendor roots-sha256 crls-sha256? crl-required? enabled? reason?")
EVENT_TYPE("policy.loaded", "policy version?")
EVENT_TYPE("crl.issued",
    "issuer-ski number crl-sha256 this-update? next-update? entries? rev-seq?")
EVENT_TYPE("crl.overdue", "issuer-ski number next-update? reason")
EVENT_TYPE("throttle.summary", "rule count since until? op? label?")
EVENT_TYPE("request.refused", "rule http op? label? reason?")
EVENT_TYPE("key.activated", "serial issuer-ski spki?")
EVENT_TYPE("clock.back", "last drift-ms?")
EVENT_TYPE("clock.accepted", "reason?")
EVENT_TYPE("record.unreadable", "body-sha256 bytes rule")
EVENT_TYPE("custody.key", "use alg key-id vkey")
EVENT_TYPE("custody.halted", "rule reason origin size?")
EVENT_TYPE("custody.forked",
    "old-origin origin size? root? file? reason")
EVENT_TYPE("custody.witness", "witness state reason?")
EVENT_TYPE("custody.timestamp", "tsa size token-sha256")
EVENT_TYPE("device.reach", "driver tls-sha256?")
EVENT_TYPE("job.created", "job kind mode account? reason")
EVENT_TYPE("job.leased", "job kind agent attempt")
EVENT_TYPE("job.ended", "job kind mode state code? attempts? agent? reason?")
EVENT_TYPE("job.cancelled", "job kind reason")
EVENT_TYPE("job.retried", "job kind reason?")
EVENT_TYPE("job.stopped", "site failures code")
EVENT_TYPE("job.resumed", "site reason?")
EVENT_TYPE("agent.revoked", "jobs secrets reason")
EVENT_TYPE("camera.observed",
    "job observation-sha256 manufacturer? model? serial? firmware? "
    "hardware-id? tls-sha256? findings")
EVENT_TYPE("camera.finding", "job rule declared? read? action? reason?")
EVENT_TYPE("camera.cleared", "job rule")
