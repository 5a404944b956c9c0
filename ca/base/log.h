/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on standard error: level, program, object, text. Never a secret. */
#ifndef CAMCA_BASE_LOG_H
#define CAMCA_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTE = 5, LOG_INFO = 6, LOG_TRACE = 7 };

/* The level of that name: "error", "warning", "note", "info", "trace". False, and
 * *out as it was, for anything else. */
bool log_level_parse(const char *name, enum log_level *out);
/* Program name shown in each line and the highest level printed. Call once at
 * start, before threads. With JOURNAL_STREAM set, lines carry the "<n>"
 * priority prefix of systemd instead of a time. */
void log_setup(const char *program, enum log_level max);
/* One line: "cam-0042: CSR refused: RSA 1024". object may be NULL. Control
 * characters in the text are replaced. Any thread. */
void log_msg(enum log_level level, const char *object, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Empties OpenSSL's error queue of this thread into one LOG_ERROR line. */
void log_openssl(const char *object, const char *what);

#endif
