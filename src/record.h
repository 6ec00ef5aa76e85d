/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands behind a record's head. */
#ifndef XENPIN_SRC_RECORD_H
#define XENPIN_SRC_RECORD_H

#include <stddef.h>

#include "../include/record.h"

/* XP_STACK_MAX return addresses, 0-terminated when fewer; NULL when there are none. */
static inline const __u64 *record__stack(const struct xp_record *rec)
{
	return rec->flags & XP_F_STACK ? (const __u64 *)(rec + 1) : NULL;
}

/* The .u.batch.nops operations of a batch. */
static inline struct xp_op *record__ops(const struct xp_record *rec)
{
	size_t stack = rec->flags & XP_F_STACK ? XP_STACK_BYTES : 0;

	return (struct xp_op *)((char *)(rec + 1) + stack);
}

#endif
