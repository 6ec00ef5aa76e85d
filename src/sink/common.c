// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks share. */
#include <errno.h>

#include "../source/hooks.h"
#include "sink.h"

const char *hook_name(uint32_t hook)
{
	int h = hooks__find(hook);

	return h < HOOKS ? hooks[h].name : "other";
}

int sink__flush_stdio(struct sink *sink)
{
	if (!fflush(sink->out) && !ferror(sink->out))
		return 0;
	return errno ? -errno : -EIO;
}
