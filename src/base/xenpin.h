/* SPDX-License-Identifier: GPL-2.0-only */
/* What every command shares: exit status, messages. */
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

/* A sentence on stderr, behind "xenpin: ". */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * At the end of what goes to stdout.  Returns @status; or, having said why, EXIT_INCOMPLETE when
 * it could not be written.  A reader that went away is no error.
 */
enum exit_status stdout_ends(enum exit_status status);

#endif
