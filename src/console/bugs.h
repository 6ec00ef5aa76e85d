/* SPDX-License-Identifier: GPL-2.0-only */
/* Known bugs of this class (bugs.def).  A match is a hint and never the verdict itself. */
#ifndef XENPIN_CONSOLE_BUGS_H
#define XENPIN_CONSOLE_BUGS_H

#include "boots.h"

enum bug_event {
	EVENT_LOST	= 1 << 0,
	EVENT_ERASED	= 1 << 1,
	EVENT_PAST	= 1 << 2,
	EVENT_REFUSED	= 1 << 3,	/* a hypercall of any kind */
	EVENT_PIN	= 1 << 4,	/* a pin or unpin was refused */
	EVENT_BASE	= 1 << 5,	/* a CR3 was refused */
	EVENT_BUG	= 1 << 6,	/* an assertion of the kernel's */
	EVENT_FAULT	= 1 << 7,	/* another page fault */
	EVENT_L1TF	= 1 << 8,
};

struct known_bug {
	const char *word;
	const char *what;
	uint16_t from, to;		/* major << 8 | minor; 0: any kernel */
	uint16_t events;
	const char *functions;		/* where it dies; NULL: anywhere */
	const char *frames;		/* through which; NULL: any */
	const char *made, *mended;	/* commits and versions; NULL: of no single one */
};

/*
 * @release: the kernel's, or NULL: unknown, and then functions or frames must be
 * what shows it.  @function, @trace: NULL when there is none.
 */
const struct known_bug *known_bug__find(enum bug_event event, const char *release,
					const char *function, const struct trace *trace);

/* Whether @name is one of "a|b*|c". */
bool known_bug__names(const char *list, const char *name);

#endif
