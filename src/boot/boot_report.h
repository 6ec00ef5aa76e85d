/* SPDX-License-Identifier: GPL-2.0-only */
/* All that is known of a boot, ready to be shown. */
#ifndef XENPIN_BOOT_REPORT_H
#define XENPIN_BOOT_REPORT_H

#include "model/boot.h"
#include "kmsg.h"
#include "log_reader.h"

struct verify_result;

#define BOOT_GAPS	8
#define BOOT_GAP_LEN	240

/* All that was found out of one boot. */
struct boot_report {
	const char *kernel;		/* NULL: a log from elsewhere does not say */
	bool dom0;
	const struct xp_boot_log *log;	/* NULL: this kernel keeps none, and .boot is empty */
	const struct xp_boot_log *counts; /* what its kernel counted, with a log or without; NULL: nothing */
	bool series;			/* the kernel has the series of kernel/ */
	bool early;			/* the early ring continues it */
	uint64_t dropped;			/* records that log or ring had no room for */
	bool whole;			/* nothing is missing: .sum's tables are those at the end */
	const struct boot *boot;
	struct boot_sum sum;
	const struct kmsg *kmsg;	/* NULL: a log from elsewhere */
	const struct boot_ftrace *ftrace;
	uint64_t tick_ns;		/* resolution of the kernel's own figures */
	uint64_t boot_ns;		/* first record or message to user space; 0: unknown */
	const struct verify_result *xen; /* NULL: not asked for */
	char gaps[BOOT_GAPS][BOOT_GAP_LEN];	/* sentences: why the account is incomplete */
	unsigned int nr_gaps;
};

/* Fill in .sum; the others are filled in. */
static inline void boot_report__sum(struct boot_report *r, struct boot *boot)
{
	boot__sum(boot, &r->sum);
	/* The record of a repair may be among those that are missing. */
	if (r->counts && !r->whole && boot->nr_erased <= r->counts->erased &&
	    boot_log__unrepaired(r->counts) != UINT64_MAX)
		r->sum.open = boot_log__unrepaired(r->counts);
}

#endif
