/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest that died in boot left on its console: the series' last words
 * (kernel/README.md), and the oops of any Linux.  Text may be cut anywhere, and
 * may be anything.
 */
#ifndef XENPIN_CONSOLE_H
#define XENPIN_CONSOLE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/record.h"

#define CONSOLE_ERASED	32	/* the kernel names no more */
#define CONSOLE_LAST	8
#define CONSOLE_WORD	80

struct console_page {
	uint64_t pfn;		/* XP_NO_PFN: none */
	uint8_t level;		/* enum xp_level */
	uint16_t where;		/* enum xp_where */
};

struct console_last {
	uint64_t seq, t;
	char kind[16], where[CONSOLE_WORD];	/* where: function, or the operation */
};

struct console {
	char kernel[CONSOLE_WORD];	/* release; "" when no line says it */
	uint64_t lines;
	uint64_t cut;			/* xenpin: lines that are not whole */

	bool oops, page_fault;
	uint64_t cr2;			/* address of the page fault */
	uint64_t error_code;
	char rip[CONSOLE_WORD];		/* symbol+offset/size; "" when not there */

	bool has_erased;
	uint64_t erased_total, erased_shown;
	struct console_page erased[CONSOLE_ERASED];
	unsigned int nr_erased;		/* of these lines that were found */
	uint64_t repaired;		/* in repair mode */

	bool has_fault;			/* the kernel's own account of the faulting page */
	uint64_t fault_addr;
	struct console_page fault;
	bool fault_flag, fault_erased;
	struct console_last last[CONSOLE_LAST];
	unsigned int nr_last;

	bool has_log;
	uint64_t log_head, log_lost, log_slots;
};

/* Never fails: what is not there is not there. */
void console__parse(struct console *console, const char *text, size_t size);

/* The erased page @pfn among those that were named, or NULL. */
const struct console_page *console__erased(const struct console *console, uint64_t pfn);

#endif
