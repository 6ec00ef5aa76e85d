// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks share. */
#include <errno.h>

#include "trace/hooks.h"
#include "line.h"
#include "record/sink.h"

const char *hook_name(uint32_t hook)
{
	int h = hooks__find(hook);

	return h < HOOKS ? hooks[h].name : "other";
}

static char text[LINES_BYTES];
struct line sink__lines = { text, text };

int sink__flush(struct sink *sink)
{
	line__write(&sink__lines, sink->out);
	if (!fflush(sink->out) && !ferror(sink->out))
		return 0;
	return errno ? -errno : -EIO;
}
