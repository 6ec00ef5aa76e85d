/* SPDX-License-Identifier: GPL-2.0-only */
/* A hardware watchpoint on the flags of one struct page. */
#ifndef XENPIN_SRC_WATCH_H
#define XENPIN_SRC_WATCH_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../include/record.h"

#define WATCH_REASON_LEN 160

struct watch;

typedef void (*change_fn)(void *context, const struct xp_record *rec);

/*
 * Watch the flags word at @address, of page @pfn, on every CPU; PagePinned is
 * @set now.  @fn is called by watch__read() for each change of it.  Returns 0, or -errno with a
 * sentence in @why.
 */
int watch__open(struct watch **watch, uint64_t address, uint64_t pfn, uint32_t level, bool set,
		change_fn fn, void *context, char why[WATCH_REASON_LEN]);
void watch__close(struct watch *watch);

/* Becomes readable when there are changes. */
int watch__fd(const struct watch *watch);

/*
 * Becomes readable when a CPU comes or goes; -1: nobody tells. A breakpoint goes with its CPU
 * and does not come back by itself.
 */
int watch__cpus_fd(const struct watch *watch);

/* Watch the CPUs that came. */
void watch__follow_cpus(struct watch *watch);

/* CPUs that are there and that this watch is blind on; what went wrong is in @why. */
int watch__blind(struct watch *watch, char why[WATCH_REASON_LEN]);

/* Hand over what there is.  0 or -errno. */
int watch__read(struct watch *watch);

/* Writes of the word so far, and changes that found no room. */
uint64_t watch__writes(const struct watch *watch);
uint64_t watch__dropped(const struct watch *watch);

#endif
