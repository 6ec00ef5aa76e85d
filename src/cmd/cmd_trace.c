// SPDX-License-Identifier: GPL-2.0-only
/* xenpin trace: live records as text or as JSON lines. */
#include "../../include/config.h"
#include "output/sinks.h"
#include "options.h"
#include "tracing.h"
#include "tracing_options.h"

static struct tracing_options given = TRACING_DEFAULTS;
static bool json;

static const struct option_row rows[] = {
	JSON_ROW(json),
	DURATION_ROW(given.duration_ns),
	{ "count", 'n', "N", "stop after N records, or with --findings N findings",
	  TO_COUNT(given.count) },
	FILTER_ROWS(given.trace),
	{ "op", 'o', "OP,..",
	  "only pin,unpin,alloc,release,mm-pin,mm-unpin,refused,set,clear (text: not the last two)",
	  TO_BITS(given.trace.what, tracing_ops) },
	{ "findings", 'f', NULL, "audit first, then print only what contradicts itself",
	  TO_FLAG(given.findings) },
	AUDIT_ROW(given.audit_ns),
	ATTACH_ROWS(given),
	VERBOSE_ROW(given.verbose),
	{}
};

/* To a person who did not ask, inferred flag writes say twice what the records before said. */
static uint32_t default_what(void)
{
	return json ? XP_W_ALL : XP_W_ALL & ~(XP_W_SET | XP_W_CLEAR);
}

static enum exit_status cmd_trace(void)
{
	const struct tracing_options *opts = &given;
	struct sink sink = { .out = stdout, .ops = json ? &sink_json : &sink_text };
	uint32_t wanted = opts->findings ? 0 : opts->trace.what ?: default_what();
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

const struct command command_trace = {
	.name = "trace",
	.args = "[-- CMD [ARG]...]",
	.what = "live records of page tables, pins and unpins",
	.options = rows,
	.child = &given.cmd,
	.run = cmd_trace,
};
