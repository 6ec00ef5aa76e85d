/* SPDX-License-Identifier: GPL-2.0-only */
/* What the watch on a page's flags tells: a flag record with its stack. */
#ifndef XENPIN_WATCH_H
#define XENPIN_WATCH_H

#include "record.h"

struct xp_change {
	struct xp_record rec;
	__u64 stack[XP_STACK_MAX];
};

#endif
