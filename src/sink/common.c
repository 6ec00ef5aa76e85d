// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks share: names, and where a record's stack stands. */
#include <stddef.h>

#include "../source/hooks.h"
#include "sink.h"

const char *hook_name(uint32_t hook)
{
	return hook < HOOKS ? hooks[hook].name : "other";
}

const uint64_t *record__stack(const struct xp_record *record)
{
	const struct xp_op *ops = (const void *)(record + 1);
	uint32_t nops = record->kind == XP_BATCH ? record->u.batch.nops : 0;

	return record->flags & XP_F_STACK ? (const uint64_t *)(ops + nops) : NULL;
}
