/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the records told of each page table: level, mm, flag.
 *
 * It fills in what a record cannot know by itself (the mm of a release, the
 * level of an unpin), and concludes the writes of PagePinned that a stock
 * kernel does not show.  Pure: no I/O, no clock.
 */
#ifndef XENPIN_TABLES_H
#define XENPIN_TABLES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../include/record.h"

struct tables;

typedef void (*flag_fn)(void *context, const struct xp_record *flag);

/* NULL when there is no memory. */
struct tables *tables__new(void);
void tables__free(struct tables *tables);

/*
 * Fill in what the state before @record knows and the record does not: the mm
 * of a release, the levels of unpins.
 */
void tables__complete(const struct tables *tables, struct xp_record *record);

/*
 * Apply a completed record.  Flag writes that it implies are given to @fn,
 * marked XP_F_INFERRED, unless @exact says that the kernel shows them itself.
 * Returns 0 or -ENOMEM.
 */
int tables__apply(struct tables *tables, const struct xp_record *record, bool exact, flag_fn fn,
		  void *context);

/* Known page tables now. */
uint32_t tables__count(const struct tables *tables);

#endif
