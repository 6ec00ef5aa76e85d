// SPDX-License-Identifier: GPL-2.0-only
#include <linux/types.h>

#include "../../include/config.h"
#include "../../include/record.h"
#include "tracing_options.h"

const struct word tracing_levels[] = {
	{ "L1", 1 << XP_L1 }, { "L2", 1 << XP_L2 }, { "L3", 1 << XP_L3 }, { "L4", 1 << XP_L4 }, {}
};

const struct word tracing_ops[] = {
	{ "pin", XP_W_PIN }, { "unpin", XP_W_UNPIN },
	{ "alloc", XP_W_ALLOC }, { "release", XP_W_RELEASE },
	{ "mm-pin", XP_W_MM_PIN }, { "mm-unpin", XP_W_MM_UNPIN },
	{ "refused", XP_W_REFUSED }, { "set", XP_W_SET }, { "clear", XP_W_CLEAR }, {}
};

const struct word tracing_ways[] = { { "tp" }, { "tp_btf" }, { "raw_tp" }, {} };

bool tracing__is_filtered(const struct tracing_options *opts)
{
	const struct trace_request *t = &opts->trace;

	return t->pid || t->comm || t->mm || t->levels || t->what || t->pfn.to != UINT64_MAX;
}
