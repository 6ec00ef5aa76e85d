// SPDX-License-Identifier: GPL-2.0-only
/* What the sinks share. */
#include <errno.h>

#include "line.h"
#include "sinks.h"

static char text[LINES_BYTES];
struct line sink__lines = { text, text };

int sink__flush(struct sink *sink)
{
	line__write(&sink__lines, sink->out);
	if (!fflush(sink->out) && !ferror(sink->out))
		return 0;
	return errno ? -errno : -EIO;
}
