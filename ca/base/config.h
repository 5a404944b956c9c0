/* SPDX-License-Identifier: Apache-2.0 */
/* STATE/camca.yaml: what both daemons need to start. Holds no secrets. */
#ifndef CAMCA_BASE_CONFIG_H
#define CAMCA_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ca/base/err.h"
#include "ca/base/id.h"

#define CONFIG_NAMES_MAX 16
#define CONFIG_TSAS_MAX 4

/* A time-stamping authority (RFC 3161). */
/* Who may read the custody log at the gate. */
#define CONFIG_READERS_MAX 64
enum config_access { ACCESS_PUBLIC, ACCESS_STAFF, ACCESS_OFF };

struct config_tsa {
	char name[ID_MAX + 1];
	char url[300];                   /* http or https */
};

struct config {
	char state[256];                 /* the folder it was read from */
	char organization[129];
	char node[65];
	char policies[300];              /* folder; default STATE/policies */
	/* gate */
	char names[CONFIG_NAMES_MAX][254];   /* DNS names and IP addresses; first: in URLs */
	size_t nnames;
	char est_host[64];               /* address to bind, "0.0.0.0" */
	uint16_t est_port;               /* 0: any free one (written to STATE/gate/ports) */
	char http_host[64];
	uint16_t http_port;
	char http_url[300];              /* "http://pki.example:8080": base of CDP and AIA */
	bool behind_proxy;               /* TLS ends elsewhere: refused, see G12 */
	int64_t max_connections;
	int64_t idle_timeout_s;
	int64_t failures_per_minute;     /* refused logins from one address before 429 */
	/* hsm */
	char hsm_module[300];            /* "": SoftHSM inside STATE/hsm */
	char hsm_token[300];             /* PKCS#11 URI of the token */
	char hsm_pin_file[300];
	char hsm_pin_env[65];
	char hsm_pin_credential[65];
	char hsm_log_token[300];         /* "": camca-log in SoftHSM, none else */
	char hsm_log_pin_file[300];      /* "": the PIN of hsm_token */
	/* who */
	char authority_user[33];
	char gate_user[33];
	char operators[CONFIG_NAMES_MAX][33];
	size_t noperators;
	int64_t workers;                 /* threads of camcad */
	int64_t crl_life_s;
	int64_t outbox_max;              /* events waiting before 503; 0: no bound */
	/* ocsp */
	bool ocsp_hsm;                   /* answers are signed in the HSM */
	int64_t ocsp_life_s;             /* thisUpdate to nextUpdate */
	int64_t ocsp_max_age_s;          /* for HTTP caches */
	int64_t ocsp_sign_rate;          /* signatures per second and address */
	int64_t ocsp_cache;              /* prepared answers */
	bool ocsp_unissued_revoked;      /* RFC 6960 2.2, else unauthorized */
	int64_t ocsp_retention_s;        /* status kept after notAfter; 0: not */
	/* custody */
	int64_t custody_interval_ms;     /* an event waits so long for others */
	/* custody: checkpoints */
	char custody_origin[200];        /* for a log that has none yet */
	bool custody_ed25519;            /* lines that a checkpoint must have */
	bool custody_ecdsa;
	int64_t checkpoint_ms;           /* between two, while the log grows */
	/* custody: serving */
	enum config_access custody_access;
	uint8_t custody_readers[CONFIG_READERS_MAX][32]; /* SHA-256 of their
	                                  * certificates, for ACCESS_STAFF */
	size_t ncustody_readers;
	/* custody: anchors */
	struct config_tsa tsas[CONFIG_TSAS_MAX];
	size_t ntsas;
	int64_t timestamp_s;             /* between two stamps of a TSA */
	char anchor_proxy[300];          /* of camca-anchor; "": none */
	char anchor_ca_file[300];        /* trust for https; "": the system's */
};

/* Reads STATE/camca.yaml strictly. CAMCA_ENOENT where it is missing,
 * CAMCA_EINVAL with error "file:line: why". */
CAMCA_MUST int config_load(struct config *out, const char *state, char *error,
    size_t error_len);
/* The text of a new camca.yaml from c, with comments; malloc'd, NULL without
 * memory. */
char *config_write(const struct config *c);
/* "public", "staff", "off". */
const char *config_access_name(enum config_access a);
/* Defaults for a new installation. */
void config_default(struct config *out, const char *state);
/* "STATE/run/authority.sock" into out. */
CAMCA_MUST int config_socket_path(const char *state, char *out,
    size_t out_len);
/* "STATE/run/status.sock" into out: the status feed's own. */
CAMCA_MUST int config_status_path(const char *state, char *out,
    size_t out_len);

#endif
