// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks share. */
#include "../source/hooks.h"
#include "sink.h"

const char *hook_name(uint32_t hook)
{
	return hook < HOOKS ? hooks[hook].name : "other";
}
