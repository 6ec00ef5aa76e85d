/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands before the kernel's, or Xen's, own words: times, levels, callers, hosts, guests. */
#ifndef XENPIN_CONSOLE_PREFIX_H
#define XENPIN_CONSOLE_PREFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_TIME	(-1LL)

struct prefix {
	const char *text;	/* behind it */
	bool xen;		/* "(XEN)" is in it */
	bool seen;		/* there is one at all */
	bool dated;		/* a date or time is in it that is not the kernel's stamp */
	bool program;		/* it names a program of the host as the one that says so */
	int64_t t;		/* the kernel's time stamp in µs, or NO_TIME */
	uint32_t caller;	/* "[   T1]", "[   C0]", as a number; 0: none */
	const char *name;	/* of the host or guest, not terminated; NULL: none */
	size_t name_len;
};

/* Never fails: a line without prefix is all text. */
void prefix__strip(struct prefix *prefix, const char *line);

/* Behind the kernel's time stamp "[    1.900000] " with which @s begins, or NULL. */
const char *prefix__stamp(const char *s, int64_t *t);

#endif
