/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recording says, ready to be shown: the same model as of a live trace
 * has run over it.
 */
#ifndef XENPIN_REPORT_H
#define XENPIN_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "guest/symbols.h"
#include "model/account.h"
#include "model/boot.h"
#include "model/pins.h"
#include "output/boot_output.h"
#include "recording/recording.h"
#include "feed.h"
#include "stacks.h"

/* A page with a finding, and what was recorded of it. */
struct history {
	uint64_t pfn;
	struct event {
		struct xp_record rec;	/* of a batch: without its operations */
		struct xp_op op;	/* the one about this page */
	} *events;			/* owned */
	size_t nr, max;
	size_t kept, after, total;	/* events: put into the ring, since .t, at all */
	int64_t t;			/* of the page's first finding */
};

#define HISTORY_MAX	200		/* events of a page: the last ones up to its finding, */
#define HISTORY_AFTER	50		/* and of these so many after it */
#define HISTORIES	256		/* pages */

#define MEANWHILES	64		/* findings */
#define MEANWHILE_TASKS	8		/* of each */

/* Whose records are about the mm of a finding, between the last sign of the flag and the finding. */
struct meanwhile {
	const struct finding *finding;
	int64_t since;			/* ns: the last sign */
	struct meanwhile_task {
		uint32_t pid, records;
		char comm[XP_COMM_LEN];
	} tasks[MEANWHILE_TASKS];	/* those with the most records first */
	int nr;
	uint32_t others;		/* records of tasks for which there was no room */
};

enum verdict { VERDICT_CLEAN, VERDICT_FINDING, VERDICT_INCOMPLETE };

struct report {
	const char *path;
	struct recording *recording;
	const struct recording_info *info;
	struct account account;
	struct stacks stacks;
	struct folded *folded;		/* owned: of .stacks */
	size_t nr_folded;
	enum stack_weighing weighing;	/* of report__folded(), set by its caller */
	struct pins *pins;		/* the state at the end */
	struct feed feed;		/* of .pins */
	struct finding *findings;	/* owned */
	size_t nr_findings, max_findings;
	size_t nr_told;			/* so many of them, the first, come from the records; the rest was noted in the file */
	size_t by_class[FINDING_CLASSES];
	struct history *histories;	/* owned; by pfn */
	size_t nr_histories;
	struct meanwhile meanwhiles[MEANWHILES];
	size_t nr_meanwhiles;
	struct boot boot;		/* of the records of boot log and early ring */
	struct boot_report boot_report;
	uint64_t boot_slots;
	bool running;			/* the recorder is still at work */
	uint64_t missed;
	uint64_t unknown;		/* as pins__unknown(); 0 of filtered records */
	uint64_t unjudged;		/* as pins__unjudged(); 0 of filtered records */
	bool complete;			/* nothing dropped, damaged, left out or not attached */
	enum verdict verdict;
	char damage[RECORDING_WHY];	/* what ended the reading, or a name's; else "" */
	int err;			/* -ENOMEM, or -EINTR: a blocked signal is waiting */
};

/*
 * Read the recording at @path, twice.  Returns 0, or -errno and in @why what
 * is wrong with it, as the end of a sentence.  What stands before damage is
 * reported, with .damage.
 */
int report__open(struct report *report, const char *path, char why[RECORDING_WHY]);
void report__close(struct report *report);

#define REPORT_HEADLINE 160

/* The verdict as a headline: of the gravest class. */
void report__headline(const struct report *report, char text[REPORT_HEADLINE]);

/* FINDING_CLASSES when there is no finding. */
enum finding_class report__gravest(const struct report *report);

/* The answer, in one or two sentences. */
void report__sentence(const struct report *report, char *text, size_t size);

/* What happened to the page, in words. */
void event__text(const struct event *event, char *text, size_t size);

/* NULL when @pfn has no finding, nor had a flag that boot erased (of these only the first). */
const struct history *report__history(const struct report *report, uint64_t pfn);

/*
 * When @finding's page last showed that it had its flag, before the finding: it was lost
 * between then and the finding.  -1: no record tells, or the finding is not of a lost flag.
 */
int64_t report__last_sign(const struct report *report, const struct finding *finding);

/* Fill .meanwhiles by one more reading, if there are any.  0, -EINTR or another -errno. */
int report__read_meanwhile(struct report *report);

/* Of one of .findings; NULL when its last sign is not known, or it has no mm. */
const struct meanwhile *report__meanwhile(const struct report *report, const struct finding *finding);

/*
 * The symbol at @address of a stack, for a terminal: "name+0x1a (file:line)".  False for a
 * frame of BPF's own.
 */
bool report__symbol(const struct report *report, uint64_t address, char symbol[SYMBOL_LEN]);

/* docs/report.schema.json, with @findings of the findings at most; NULL when there is no memory. */
json_t *report__object(struct report *report, size_t findings);

/* Return 0 or -errno. */
int report__text(struct report *report, FILE *out);
int report__json(struct report *report, FILE *out);
int report__html(struct report *report, FILE *out);
int report__perfetto(struct report *report, FILE *out);
int report__folded(struct report *report, FILE *out);

#endif
