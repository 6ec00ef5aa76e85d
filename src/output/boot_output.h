/* SPDX-License-Identifier: GPL-2.0-only */
/* The account of a boot, for people and for programs. */
#ifndef XENPIN_SINK_BOOT_H
#define XENPIN_SINK_BOOT_H

#include <linux/types.h>
#include <stdio.h>

#include "audit/verify.h"
#include "model/boot.h"
#include "boot/log_reader.h"
#include "boot/kmsg.h"

#define BOOT_GAPS	8
#define BOOT_GAP_LEN	240

/* All that was found out of one boot. */
struct boot_report {
	const char *kernel;		/* NULL: a log from elsewhere does not say */
	bool dom0;
	const struct xp_boot_log *log;	/* NULL: this kernel keeps none, and .boot is empty */
	bool early;			/* the early ring continues it */
	uint64_t lost;			/* records that log or ring had no room for */
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

void boot_text__print(FILE *out, const struct boot_report *report);
void boot_json__print(FILE *out, const struct boot_report *report);

/* One line of JSON for one record; @t_offset makes its time CLOCK_MONOTONIC. */
void boot_json__record(FILE *out, const struct xp_record *record, int64_t t_offset);

const char *boot__mode_name(uint32_t mode);

#endif
