/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what the records told of each page table, and where they
 * contradict each other.  Pure: no I/O, no clock.
 *
 * Records go in, in the order of time.  Out come, by callback, the writes of
 * PagePinned that a stock kernel does not show, and findings.  A finding is
 * held back until pins__confirm(): a loss is told only by the next record of
 * the CPU that dropped it, and must still be able to silence what it explains.
 *
 * The driver of a live stream confirms after each drain, which tells all losses
 * before it hands over what they may explain, and every driver where a gap begins
 * and none is open (pins__begins_gap()): what is dropped later explains nothing of
 * before. That of a finished stream (a recording, a boot log) confirms at its end, too.
 */
#ifndef XENPIN_PINS_H
#define XENPIN_PINS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

/* include/findings.def says what each means. */
enum finding_class {
#define FINDING(name, ...) FINDING_##name,
#include "../../include/findings.def"
	FINDING_CLASSES
};

/* From weak to strong. */
enum finding_grade {
#define GRADE(name, ...) GRADE_##name,
#include "../../include/findings.def"
	GRADES
};

/* What the table says of a class; of a grade only .word and .meaning. */
struct finding_words {
	const char *word;		/* of the JSON contract */
	const char *one, *many;		/* a report's headline; %zu in .many: how many there are */
	/* finding__text(): what is said of the page, and how the task is introduced, if at all. */
	struct said {
		const char *what, *task;
	} said, by_history;		/* .by_history: where the records say it; empty: as .said */
	bool names_op;			/* what was asked of Xen ends .what */
	const char *effects[XP_L4 + 1];	/* by enum xp_level; [0]: of the others */
	bool is_table;			/* witnesses say "a page table of Xen's", not "none" */
	bool flag_was_lost;		/* some time before: the records bound when */
	bool by_audit;			/* an audit can find it */
	const char *meaning, *follows, *remedy;
};

extern const struct finding_words finding_classes[FINDING_CLASSES];
extern const struct finding_words finding_grades[GRADES];

enum witness {
	WITNESS_FLAG		= 1 << 0,	/* PagePinned in struct page */
	WITNESS_TREE		= 1 << 1,	/* reachable from a pinned L4 or not */
	WITNESS_DIRECT_MAP	= 1 << 2,	/* its PTE there is read-only or not */
	WITNESS_XEN		= 1 << 3,	/* the type Xen gives it, or Xen's refusal */
	WITNESS_HISTORY		= 1 << 4,	/* the records so far */
	WITNESSES		= 5
};

/* What is not known: pfn, mfn XP_NO_PFN; mm, pid, level 0; comm "". */
struct finding {
	uint64_t t;			/* ns, of the record or look that showed it */
	uint64_t pfn, mfn, mm;
	int64_t result;			/* Xen's, of a refused operation; else 0 */
	struct xp_refused refused;	/* of a refused entry of a multicall; .result is 0: it is none */
	uint64_t since;			/* ns, the event before that of this table, to 2^30; 0: none */
	uint32_t pid;			/* who did what showed it; of an audit's: who owns the mm */
	uint8_t class;			/* enum finding_class */
	uint8_t grade;			/* enum finding_grade */
	uint8_t witnesses;		/* enum witness */
	uint8_t level;			/* enum xp_level */
	uint8_t last;			/* enum xp_kind of the event at .since */
	uint8_t op;			/* enum xp_op_kind of a refused operation; else 0 */
	char comm[XP_COMM_LEN];
	uint64_t stack[XP_STACK_MAX];	/* of the record, when it has one; ends with a 0 */
};

const char *finding__class(const struct finding *finding);
const char *finding__grade(const struct finding *finding);
const char *witness__name(enum witness witness);

/* What it will break, a sentence by class and level. */
const char *finding__effect(const struct finding *finding);

/* What happened, one sentence with numbers, cut to @size.  Returns its length. */
size_t finding__text(const struct finding *finding, char *text, size_t size);

struct pins;

struct pins_handlers {
	/* NULL: nobody wants inferred writes, or the kernel shows them itself. */
	void (*flag)(void *context, const struct xp_record *flag);
	void (*finding)(void *context, const struct finding *finding);	/* or NULL */
	void *context;
};

/* NULL when there is no memory. */
struct pins *pins__new(struct pins_handlers handlers);
void pins__free(struct pins *pins);

/*
 * Fill in what the state before @record knows and the record does not: the mm
 * of a release, the levels of unpins.
 */
void pins__complete(const struct pins *pins, struct xp_record *record);

/* Apply a completed record, XP_DROPPED included.  Returns 0 or -ENOMEM. */
int pins__apply(struct pins *pins, const struct xp_record *record);

/*
 * Records of @probe (enum xp_probe) are missing and nothing in the stream tells
 * where: the kernel skipped a program, a source has a hole.
 */
void pins__dropped(struct pins *pins, int probe);

/* Give to the handler the findings that no gap explains. */
void pins__confirm(struct pins *pins);

/*
 * Does @record, an XP_DROPPED that is to be applied next, begin a gap while none is open?  Then
 * everything before it was delivered, and what was found so far can be confirmed.
 */
bool pins__begins_gap(const struct pins *pins, const struct xp_record *record);

/* @probe (enum xp_probe) is not attached: none of its records ever comes. */
void pins__without(struct pins *pins, int probe);

/* Does a finding wait for pins__confirm()? */
bool pins__waiting(const struct pins *pins);

/* What Xen knows of a page. */
enum pin_xen { PIN_UNKNOWN, PIN_NOT, PIN_BY_TYPE, PIN_EXPLICIT };
enum pin_flag { PIN_FLAG_UNKNOWN, PIN_FLAG_CLEAR, PIN_FLAG_SET };

struct pin_state {
	uint64_t pfn, mfn, mm;
	uint64_t since;		/* ns, to 2^30: the last event */
	uint8_t level;		/* enum xp_level */
	uint8_t xen;		/* enum pin_xen */
	uint8_t flag;		/* enum pin_flag */
	uint8_t last;		/* enum xp_kind of the last event; 0: seeded */
	bool doubt;		/* records were dropped since */
};

/*
 * Seed the state with what an audit saw.  The stream must be running since
 * before the audit: between begin and end apply the records of that time, then
 * each table.  A table (or the tree of a table) that moved meanwhile is left
 * to the stream, which knows better.  Returns 0 or -ENOMEM.
 */
void pins__seed_begin(struct pins *pins);
int pins__seed(struct pins *pins, const struct pin_state *table);
void pins__seed_end(struct pins *pins);

/* What is known of @pfn now; false: nothing. */
bool pins__find(const struct pins *pins, uint64_t pfn, struct pin_state *state);

/* All known tables, in no order. */
typedef void (*pin_fn)(void *context, const struct pin_state *state);
void pins__each(const struct pins *pins, pin_fn fn, void *context);

/* Known page tables now. */
uint32_t pins__count(const struct pins *pins);

/* How many records lacked something, such as the page that they are about: as bad as dropped ones. */
uint64_t pins__unknown(const struct pins *pins);

/* Moments that could not be judged, for want of history or because records were dropped. */
uint64_t pins__unjudged(const struct pins *pins);

#endif
