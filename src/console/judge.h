/* SPDX-License-Identifier: GPL-2.0-only */
/* Verdicts of boots, oopses and refusals, each from its own facts. */
#ifndef XENPIN_CONSOLE_JUDGE_H
#define XENPIN_CONSOLE_JUDGE_H

#include "boots.h"
#include "xen_account.h"

/* All that is known of a console; owns its facts. */
struct console {
	struct scan scan;
	struct boots boots;
	struct xen_account xen;
	unsigned int guests;		/* that have boots */
	const struct verdict
		*verdict; /* of the newest boot, or of Xen's words when there is none */
	bool finding;			/* of any boot */
	struct verdict nothing;		/* for a console that says nothing of any death */
	bool clean;			/* the newest lives, and nothing is left erased */
};

/* Judges what scan__end() left in @console->scan.  Returns 0 or -errno. */
int console__judge(struct console *console);
void console__free(struct console *console);

/* The domain of a boot's guest, as Xen would name it, or one of the words of xen_account.h. */
int console__domain(const struct console *console, const struct boot_facts *boot);

/* Nothing in it is a line of Linux or of Xen. */
bool console__is_none(const struct console *console);

void judge__oops(struct oops *oops, const struct boot_facts *boot, const struct console *console);

/* Of all refusals of a boot. */
void judge__refusals(struct verdict *verdict, const struct boot_facts *boot,
		     const struct console *console);

/* Whether what was refused belongs to pinning or unpinning, by the operation and by who asked. */
bool refusal__is_pin(const struct refusal *refusal);

/* The function that a refused call was made for: the first one that is not Xen's or the trace's
 * own. */
const char *refusal__for(const struct refusal *refusal);

/* What an oops says, each thing once. */
struct oops_view {
	const struct oops *oops;
	const struct boot_facts *boot;
	const struct console *console;
	const char *release;		/* NULL: unknown */
	const char *function;		/* "": unknown */
	const char *where;		/* that, with its offset if it was printed */
	uint64_t segment;		/* 0: unknown */
	const struct fact *exception;	/* that is no page fault; NULL: none, or of a BUG */
	bool page_fault;
	bool has_address, has_code;
	bool writes;			/* known even without a whole code */
	uint64_t address, code;
	unsigned int digits;		/* of the address */
	uint64_t pfn;			/* XP_NO_PFN: unknown */
	bool read_only;			/* its mapping, by the walk of Linux; */
	bool executable, no_code;	/* both false: unknown */
	unsigned int level;		/* of the page table that it is; 0: unknown */
};

/* Of a torn oops nothing is joined: only what the series' one line has. */
void oops_view__read(struct oops_view *view, const struct oops *oops, const struct boot_facts *boot,
		     const struct console *console);

/* The kernel wrote to a page that is there and read-only, and nothing else was wrong. */
bool oops_view__is_protected_write(const struct oops_view *view);

/* So Linux stops itself, with or without a line about its BUG. */
bool oops_view__is_invalid_opcode(const struct oops_view *view);

/* "a write to a read-only page at 0x1 (pfn 0x2), in function" */
const char *oops_view__in_words(const struct oops_view *view, char *buffer, size_t size);

/* Who died: an oops kills a task, and often its guest.  @first: at the beginning of a sentence. */
const char *oops_view__victim(const struct oops_view *view, bool first);

/* The lines of a page fault that a verdict rests on. */
void oops_view__support(struct verdict *verdict, const struct oops_view *view);

/* Rules of judge__oops(): each returns whether it knew the answer. */
bool judge__was_refused(const struct oops_view *view, struct verdict *verdict);
bool judge__stopped_for_refusal(const struct oops_view *view, struct verdict *verdict);

#endif
