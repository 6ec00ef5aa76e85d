/* SPDX-License-Identifier: GPL-2.0-only */
/* What one line of a console says. */
#ifndef XENPIN_CONSOLE_FACT_H
#define XENPIN_CONSOLE_FACT_H

#include "match.h"
#include "mend.h"

enum fact_kind {
	FACT_NONE,
#define FACT(kind, rank) FACT_##kind,
#include "facts.def"
#undef FACT
	FACT_KINDS
};

#define FACT_NAME	48

/* FACT_LIVES: what the kernel says before it runs init. */
enum { LIVES_SOON = 1 };

/* Lines of one oops came through the same hands: all of them have a stamp, or none of them. */
enum line_style { STYLE_STAMP = 1, STYLE_DATE = 2, STYLE_CALLER = 4 };

#define VECTOR_INVALID_OPCODE 6
#define VECTOR_PAGE_FAULT 14

#define CPU_WITHOUT_NUMBER 2 /* .extra of "Pid: 1, comm: …" */

#define FIELD_UNREAD UINT64_MAX	/* a field of a cut line of the series that is not whole */

#define FORMAT_DAMAGED 99 /* .extra of a row in formats.def that fits what is left of a line */

struct fact {
	uint8_t kind;			/* enum fact_kind; facts.def says what the rest means */
	uint8_t extra;			/* of its row in formats.def */
	uint8_t guest;			/* whose line it was, */
	uint8_t stream;			/* and what it continues (struct mender) */
	uint8_t style;			/* enum line_style: what stood before it */
	bool cut;			/* it is such a line, and nothing in it can be used */
	int16_t domain, vcpu;		/* of whom Xen speaks; -1: it does not say */
	uint32_t count;			/* how often it was said, the same each time */
	uint32_t caller;
	uint64_t line, last_line;	/* where, and where the last time */
	uint64_t nth;			/* line of its stream, without Xen's: records have many lines each */
	int64_t t;			/* µs, or NO_TIME */
	uint64_t v[MATCH_NUMBERS];
	char text[MATCH_TEXT];
	char name[FACT_NAME];		/* function without offset, or comm */
};

/* Returns whether @line says anything. */
bool fact__read(struct fact *fact, const struct line *line);

/* Its place in an oops, from 1; 0: it is no part of one. */
unsigned int fact__rank(enum fact_kind kind);

/*
 * The function's name of "name.isra.0+0x1/0x2", and behind a space its "[module]", so that
 * nobody takes it for the kernel's of that name; false: @text is no symbol with an offset.
 */
bool fact__function(const char *text, bool whole, char *name, size_t size);

/* Takes out of a line of the series about a fault that was damaged what is still whole in it. */
void fact__read_damaged_fault(struct fact *fact, const char *text);

/*
 * Completes a fact whose line says more than its format: true when all of it was there.
 * Private to fact.c and details*.c.
 */
bool fact__details(struct fact *fact, bool whole);
bool fact__xen_details(struct fact *fact, bool whole);
bool fact__series_details(struct fact *fact, bool whole);

#endif
