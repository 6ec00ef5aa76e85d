/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts sorted by whose they are: boots of each guest, in them oopses and
 * refused hypercalls, each with the lines it rests on.  No fact of one is ever
 * joined with those of another.
 */
#ifndef XENPIN_CONSOLE_BOOTS_H
#define XENPIN_CONSOLE_BOOTS_H

#include "scan.h"
#include "verdict.h"

#define BOOTS_MAX	64	/* the newest ones */
#define BOOT_OOPSES	8	/* of each the first ones, and the last */
#define BOOT_REFUSALS	16
#define BOOT_CALLS	32	/* of a batch there are no more */
#define BOOT_ERASED	32	/* the series names no more */
#define BOOT_LAST	8
#define BOOT_NODES	64

struct trace {
	const struct fact *rip, *cpu;
	const struct fact *warning;		/* that it is the trace of */
	const struct fact *frames[SCAN_FRAMES];
	unsigned int nr;
};

struct oops {
	const struct fact *of[FACT_CR2 + 1]; /* by kind: what is part of an oops; NULL: not there */
	const struct fact *symbol; /* "EIP is at", where the segment has a line of its own */
	uint32_t cut;				/* bits by kind: there, but not whole */
	const struct fact *page, *reason;	/* a page that was dumped just before */
	const struct fact *fault;		/* the series' line about it */
	const struct fact *damaged;		/* that, where only some of it can be read */
	const struct fact *stray;		/* such a line that is of another, or contradicts */
	struct trace trace;			/* only .frames */
	const struct fact *panic;		/* that followed */
	uint64_t first, last;			/* lines */
	uint64_t nth;				/* of its last fact, */
	int64_t t;				/* and of the last one that has a time */
	uint32_t caller;
	uint8_t style;		/* enum line_style of its lines */
	bool traced;		/* its stack trace has begun */
	bool ended;		/* and is over */
	bool torn; /* lines of several, or out of order: what it says cannot be joined */
	bool foreign;		/* its kernel is another than this boot's: of another guest */
	bool interrupt;		/* its trace begins in one */
	bool survived;		/* its guest went on, */
	bool unfinished;	/* or another did, for its last lines are not there */
	struct verdict verdict;
};

struct refusal {
	const struct fact *failed;		/* NULL: its line is not there */
	const struct fact *calls[BOOT_CALLS];
	unsigned int nr_calls;
	struct trace trace;
	uint64_t first, last;
	int64_t t;
};

struct boot_facts {
	uint8_t guest;
	bool headless;				/* how it began is not there */
	const struct fact *kernel, *platform, *lives, *panic;
	const struct fact *alarm;	/* a word in it says that something went wrong */
	unsigned int init_runs;		/* programs that were to be init: all but the last failed */
	const struct fact *warned;		/* that a batch failed */
	const struct fact *tail;		/* registers of what began where nothing is left */
	unsigned int gaps;			/* where lines are missing */
	int64_t t;				/* of the newest fact */
	const struct fact *nodes[BOOT_NODES];
	unsigned int nr_nodes;
	const struct fact *erased_total;	/* the largest one */
	const struct fact *repaired, *log;
	const struct fact *doubt;		/* that contradicts .repaired */
	const struct fact *erased[BOOT_ERASED];
	unsigned int nr_erased;
	const struct fact *last[BOOT_LAST];
	unsigned int nr_last;
	struct oops oopses[BOOT_OOPSES];
	unsigned int nr_oopses, more_oopses;
	struct refusal refusals[BOOT_REFUSALS];
	unsigned int nr_refusals, more_refusals;
	uint64_t first_line, last_line;
	struct verdict verdict;
};

struct boots {
	struct boot_facts *boot[BOOTS_MAX];	/* the oldest first */
	unsigned int nr;
	uint64_t older;				/* boots that were dropped */
	uint64_t older_of[CONSOLE_GUESTS];
	unsigned int jumps;			/* boots that are only told by time going back */
	bool torn;				/* lines of several guests, or in no order at all */
};

/* Returns 0 or -ENOMEM.  @boots refers to @scan. */
int boots__sort(struct boots *boots, const struct scan *scan);
void boots__free(struct boots *boots);

/* What Linux says of its platform: whether it is a PV guest's; false: it says nothing. */
bool boot__platform(const struct boot_facts *boot, bool *pv);

/*
 * Notes what an oops says in two ways that do not agree, or what its boot says otherwise:
 * then its lines are of several oopses.  Private to boots.c.
 */
void oops__check(struct oops *oops, const struct boot_facts *boot);

/* Whether a fact is Xen's word. */
static inline bool fact__is_xen(const struct fact *f)
{
	return f->kind >= FACT_X_VERSION;
}

#endif
