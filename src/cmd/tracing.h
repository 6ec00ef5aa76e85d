/* SPDX-License-Identifier: GPL-2.0-only */
/* What the commands that follow live records share: `trace` and `record`. */
#ifndef XENPIN_TRACING_H
#define XENPIN_TRACING_H

#include "base/platform.h"
#include "base/xenpin.h"
#include "record/sink.h"

struct tracing_options;

/* Reads @platform; says so when it cannot be traced. */
bool tracing__possible(struct platform *platform);

/*
 * Attach as @opts say and give @sink what of @wanted (enum xp_what) happens,
 * until a signal, the end of CMD, --duration or --count.  Says what goes wrong.
 * @sink->symbols is opened for --stack and closed.
 */
enum exit_status tracing__run(const struct tracing_options *opts, const struct platform *platform,
			      uint32_t wanted, struct sink *sink);

#endif
