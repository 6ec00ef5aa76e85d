/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether a line has a word in it that a guest which fares well does not say (alarms.def). */
#ifndef XENPIN_CONSOLE_ALARM_H
#define XENPIN_CONSOLE_ALARM_H

#include <stdbool.h>

/* @xen: it is the hypervisor's. */
bool alarm__is_in(const char *text, bool xen);

#endif
