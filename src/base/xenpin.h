/* SPDX-License-Identifier: GPL-2.0-only */
/* What every command shares: exit status, messages, the command table. */
#ifndef XENPIN_H
#define XENPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Counted up when a name or a meaning in the JSON objects changes: docs/records.schema.json. */
#define JSON_SCHEMA	3

/* The contract with scripts; each has a test in tests/. */
enum exit_status {
	EXIT_CLEAN	= 0,
	EXIT_FINDING	= 1,
	EXIT_USAGE	= 2,
	EXIT_CANNOT	= 3,	/* this system cannot: not PV, no BTF, a capability missing */
	EXIT_LOAD	= 4,	/* load or attach failed */
	EXIT_INCOMPLETE	= 5,	/* records were dropped, or coverage is partial */
};

struct options;

struct command {
	const char *name;
	const char *args;	/* behind the options, for the usage line */
	const char *what;	/* one line of help */
	uint32_t options;	/* enum option_for bits */
	int (*run)(const struct options *opts);	/* returns enum exit_status */
};

extern const struct command commands[];

int cmd_features(const struct options *opts);
int cmd_trace(const struct options *opts);
int cmd_audit(const struct options *opts);
int cmd_page(const struct options *opts);
int cmd_boot(const struct options *opts);
int cmd_record(const struct options *opts);
int cmd_report(const struct options *opts);
int cmd_top(const struct options *opts);
int cmd_export(const struct options *opts);
int cmd_explain(const struct options *opts);

/* A sentence on stderr, behind "xenpin: ". */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * At the end of what goes to stdout.  Returns @status; or, having said why, EXIT_INCOMPLETE when
 * it could not be written.  A reader that went away is no error.
 */
enum exit_status stdout_ends(enum exit_status status);

#endif
