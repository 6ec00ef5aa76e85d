/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A console as it comes, in pieces of any size, to what it says: at most
 * SCAN_FACTS facts, of a storm one and how often.
 */
#ifndef XENPIN_CONSOLE_SCAN_H
#define XENPIN_CONSOLE_SCAN_H

#include "fact.h"
#include "journal.h"
#include "mend.h"
#include "parts.h"

#define SCAN_FACTS	65536
#define BACK_MAX	1000000	/* µs: a clock that goes back so far is another boot's, or guest's */
#define GOES_ON		10000000 /* µs: who prints so long after an oops has survived it */
#define INIT_RUNS	1000000	/* µs: a kernel that cannot run init says so sooner */
#define SCAN_FRAMES	16	/* of one stack trace */
#define SCAN_SEEN	16	/* different lines of one kind that a storm may have */
#define SCAN_OF_KIND	2048	/* facts of one kind between two boots */

struct scan {
	struct journal journal;
	struct parts parts;
	struct mender mender;
	struct fact *facts;
	size_t nr, room;
	uint64_t forgotten;	/* facts for which there was no room; the oldest ones */
	uint64_t more;		/* facts of a kind of which there were too many; the newest ones */
	uint64_t console_lines;	/* that are some kernel's, or Xen's */
	uint64_t gaps;		/* places where lines are missing */
	uint64_t cut;		/* lines of the series that are not whole */
	uint64_t xen_alarm;	/* line of Xen's first such word; 0: none */
	bool open_end;		/* the last line is not whole */
	bool reversed;		/* the newest line was first; .facts is in order of time */
	int err;		/* -ENOMEM */
	struct line last;	/* the line of the newest fact, */
	char last_text[INPUT_LINE];
	struct { uint64_t hash; size_t at; } seen[FACT_KINDS][SCAN_SEEN];
	uint32_t of_kind[FACT_KINDS];
	struct scan_stream {
		uint64_t lines;	/* of it so far */
		bool alarmed;	/* its boot has its FACT_ALARM */
		int64_t t;	/* of its newest fact, or NO_TIME */
		int64_t oops;	/* of its last oops, or NO_TIME: it has gone on since */
		int64_t run;	/* when it said that it runs init, or NO_TIME: that is settled */
		unsigned int frames; /* of the trace that is being read */
		bool mute;	/* that is of a warning that was there before, or of no oops */
	} streams[CONSOLE_STREAMS];
};

void scan__begin(struct scan *scan);
void scan__feed(struct scan *scan, const char *bytes, size_t size);

/* Returns 0 or -errno. */
int scan__end(struct scan *scan);
void scan__free(struct scan *scan);

#endif
