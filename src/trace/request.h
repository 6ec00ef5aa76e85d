/* SPDX-License-Identifier: GPL-2.0-only */
/* What a trace is asked for: filters, which the kernel evaluates, and how to attach. */
#ifndef XENPIN_TRACE_REQUEST_H
#define XENPIN_TRACE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct range {
	uint64_t from, to;	/* inclusive */
};

struct trace_request {
	uint32_t pid;		/* 0: any */
	uint64_t mm;		/* 0: any */
	uint32_t levels;	/* bit n: Ln; 0: any */
	uint32_t what;		/* enum xp_what; 0: any */
	struct range pfn;	/* to == UINT64_MAX: any */
	const char *comm;	/* NULL: any */
	bool stack;		/* kernel stacks */
	bool look;		/* at upper tables, see struct xp_config */
	uint32_t ring_pages;	/* per CPU, a power of two */
	const char *via;	/* NULL: the first way that works */
	bool dry_run;		/* load and verify, attach nothing */
};

#endif
