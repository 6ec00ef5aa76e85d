/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls in words: of records, and of lines on a console. */
#ifndef XENPIN_HYPERCALLS_H
#define XENPIN_HYPERCALLS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

enum hypercall {
#define HYPERCALL(number, name, ...) HYPERCALL_##name = number,
#include "hypercalls.def"
};

enum mmuext_command {
#define MMUEXT(command, name, ...) MMUEXT_##name = command,
#include "hypercalls.def"
};

/* "mmu_update", or NULL for no operation. */
const char *hypercall__name(uint64_t op);

static inline bool mmuext__is_pin(uint64_t command)
{
	return command <= MMUEXT_unpin_table;
}

/* Memory that Xen fills with a pattern when it is done with it: no operation, no argument. */
bool xen__is_clobber(uint64_t value);

/* "EINVAL" of -22, or "result 4711". */
const char *error__name(int64_t result, char *buffer, size_t size);

/*
 * Of a refused entry: the name of its first operation's command, NULL when it has none or that is
 * not known; and how many of .args are known to mean something.
 */
const char *refused__command(const struct xp_refused *refused);
unsigned int refused__arguments(const struct xp_refused *refused);

/* "mmu_update(normal_pt_update, 0x1d8f008, 0x67), the first of 3: EINVAL". */
#define REFUSED_WORDS	160
const char *refused__in_words(const struct xp_refused *refused, char buffer[REFUSED_WORDS]);

#endif
