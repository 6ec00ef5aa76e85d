/* SPDX-License-Identifier: GPL-2.0-only */
/* What `top` shows: the difference between two readings of the counters, in the order asked for. */
#ifndef XENPIN_TOP_VIEW_H
#define XENPIN_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/word.h"
#include "trace/live_counters.h"

enum sort_key {
	SORT_PINS, SORT_UNPINS, SORT_REFUSED, SORT_TABLES, SORT_LATENCY, SORT_PID, SORT_NAME,
	SORT_KEYS
};

extern const struct word sort_words[];	/* by enum sort_key */

struct row {
	uint32_t pid;			/* grouped: of one of them */
	uint32_t processes;
	char comm[17];
	uint64_t pins, unpins, failed, trees, tree_ns;	/* since the reading before */
	uint64_t bytes;			/* of page tables, now */
};

struct view {
	struct row *rows;		/* owned: what is shown */
	size_t nr;
	struct row *all;		/* owned: what was read */
	size_t nr_all;
	struct row total;
	struct xp_counts counts;	/* since the begin */
	double seconds;			/* between the readings */
	uint64_t t;
};

/* @tasks as read at @t ns.  Returns 0 or -ENOMEM. */
int view__update(struct view *view, const struct xp_counts *counts, const struct task_counts *tasks,
		 size_t nr, uint64_t t);

/*
 * Make .rows of what was read: those of one name in one row when @group, only
 * those whose name holds @part, ordered by @key.
 */
void view__show(struct view *view, enum sort_key key, bool group, const char *part);

/* How long its trees took to be pinned, on average; 0: there were none. */
double row__pin_us(const struct row *row);

void view__free(struct view *view);

#endif
