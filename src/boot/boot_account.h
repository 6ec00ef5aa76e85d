/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The account of the boot of this kernel, or of a copied boot log: all that the
 * boot left, what it comes to, and why that may not be the whole truth.
 */
#ifndef XENPIN_BOOT_ACCOUNT_H
#define XENPIN_BOOT_ACCOUNT_H

#include "base/platform.h"
#include "model/boot.h"
#include "boot_report.h"
#include "early.h"
#include "kmsg.h"
#include "log_reader.h"

struct boot_account {
	struct boot_log log;
	struct early *early;		/* NULL: none */
	struct kmsg kmsg;
	struct boot_ftrace ftrace;
	struct boot boot;		/* the caller's to feed */
	struct boot_report report;
	bool copy;			/* of another boot: only what its log says */
};

/* Returns 0 or -ENOMEM.  The end is allowed after a failure, too. */
int boot_account__begin(struct boot_account *account);
void boot_account__end(struct boot_account *account);

/*
 * The log at @path, NULL: this kernel's own; and what continues it.  Returns 0,
 * -ENOENT when this kernel keeps none, or -errno and in @why a reason.  Whatever
 * is missing further on is a gap of the account.
 */
int boot_account__open(struct boot_account *account, const char *path, char why[BOOT_LOG_WHY]);

/* What this kernel says of its boot itself; @platform stays the caller's. */
void boot_account__read_messages(struct boot_account *account, const struct platform *platform);

/*
 * The records of the log, then those that the early ring holds by now; and all
 * once more, with what came meanwhile.  They stay there for others.
 */
void boot_account__each(struct boot_account *account, record_fn fn, void *context);
void boot_account__again(struct boot_account *account, record_fn fn, void *context);

/* A record_fn that applies to the account, for who does nothing else with them. */
void boot_account__apply(void *account, struct xp_record *record);

/*
 * All records have been applied to .boot: .report is what they come to.  With
 * @beyond, those are wanted too that came when user space had begun.
 */
void boot_account__conclude(struct boot_account *account, bool beyond);

/* One more reason why the account is not the whole truth: a sentence. */
void boot_account__gap(struct boot_account *account, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
