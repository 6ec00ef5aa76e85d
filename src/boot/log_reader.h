/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot log of a patched kernel (include/boot_log.h), from sysfs or from a copy of it. */
#ifndef XENPIN_SRC_BOOT_LOG_H
#define XENPIN_SRC_BOOT_LOG_H

#include <stddef.h>

#include "../../include/boot_log.h"
#include "trace/stream.h"

#define BOOT_LOG_PATH	"/sys/kernel/xenpin/boot_log"
#define BOOT_LOG_WHY	200

struct boot_log {
	struct xp_boot_log header;
	struct xp_record *slots;	/* owned */
	uint64_t used;			/* slots of whole, sound records; at most header.head */
	char flaw[BOOT_LOG_WHY];	/* a sentence when used < header.head; else "" */
};

/*
 * Read @path, whole.  Returns 0, or -errno and a sentence in @why: no such file, no
 * access (-EACCES), not a boot log (-EBADMSG).  A log that is damaged further on is
 * good up to there, see .flaw.
 */
int boot_log__open(struct boot_log *log, const char *path, char why[BOOT_LOG_WHY]);

/* The same from memory, which is not needed afterwards. */
int boot_log__parse(struct boot_log *log, const void *data, size_t size, char why[BOOT_LOG_WHY]);

void boot_log__close(struct boot_log *log);

/* All records, in order. */
void boot_log__each(const struct boot_log *log, record_fn fn, void *context);

#endif
