// SPDX-License-Identifier: GPL-2.0-only
/* xenpin trace: live records as text or as JSON lines. */
#include "../../include/config.h"
#include "output/sinks.h"
#include "tracing.h"

/* To a person who did not ask, inferred flag writes say twice what the records before said. */
static uint32_t default_what(const struct options *opts)
{
	return opts->json ? XP_W_ALL : XP_W_ALL & ~(XP_W_SET | XP_W_CLEAR);
}

int cmd_trace(const struct options *opts)
{
	struct sink sink = { .out = stdout, .ops = opts->json ? &sink_json : &sink_text };
	uint32_t wanted = opts->findings ? 0 : opts->trace.what ?: default_what(opts);
	struct platform platform;

	if ((opts->findings || opts->audit_ns) && tracing__is_filtered(opts)) {
		say("--%s judges all records, and takes no filter",
		    opts->findings ? "findings" : "audit");
		return EXIT_USAGE;
	}
	if (!tracing__possible(&platform))
		return EXIT_CANNOT;
	return tracing__run(opts, &platform, wanted, &sink);
}
