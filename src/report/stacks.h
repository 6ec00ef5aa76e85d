/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From which kernel stacks pins and unpins came, and how long these waited for Xen.
 * Pure: no I/O, no clock.
 *
 * While records are read, equal stacks of a program are summed up by their addresses.
 * Folding names the addresses then, and sums up what differs only in where a function calls.
 */
#ifndef XENPIN_STACKS_H
#define XENPIN_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/records.h"

/* So many of a recording are told apart, each with its program: 5 MB. */
#define STACKS_MAX	(1 << 14)

/* What `report --weight` was given. */
enum stack_weighing { WEIGH_UNSAID, WEIGH_OPERATIONS, WEIGH_LATENCY };

struct stack_weight {
	uint64_t operations;		/* pins and unpins, those that Xen refused included */
	uint64_t batches;		/* the records that these stood in */
	uint64_t waited_ns;		/* in flushes whose end was seen */
	uint64_t unweighed;		/* batches of which nobody saw how long they took */
};

struct stacks {
	struct stack *list;		/* owned */
	size_t nr, max;
	uint32_t *index;		/* owned: a hash of the list, its place + 1 */
	struct stack_weight all;
	struct stack_weight without;	/* of all: of records that have no stack */
	struct stack_weight beyond;	/* of all: what came when the list was full */
};

/* Stacks of one program that go through the same functions. */
struct folded {
	char comm[XP_COMM_LEN];
	char *frames;			/* owned: "outermost;...;innermost"; "": no stack */
	struct stack_weight weight;
};

/* Return 0 or -ENOMEM. */
int stacks__begin(struct stacks *stacks);
int stacks__apply(struct stacks *stacks, const struct xp_record *record);
void stacks__end(struct stacks *stacks);

/* Is there any stack?  A recorder makes none unless it is told to. */
bool stacks__any(const struct stacks *stacks);

/* The symbol at @address, as symbols__name() has it; NULL for one of BPF's own. */
typedef const char *stack_name_fn(void *context, uint64_t address);

/*
 * What is in the list, by name, those of most operations first: with .beyond it is .all.
 * Frames hold letters of ASCII only, no space and no semicolon.  @folded is to be given to
 * folded__free().  Returns 0 or -ENOMEM.
 */
int stacks__fold(const struct stacks *stacks, stack_name_fn *name, void *context,
		 struct folded **folded, size_t *nr);
void folded__free(struct folded *folded, size_t nr);

#endif
