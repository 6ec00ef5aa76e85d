/* SPDX-License-Identifier: GPL-2.0-only */
/* The account of a boot, for people and for programs. */
#ifndef XENPIN_BOOT_OUTPUT_H
#define XENPIN_BOOT_OUTPUT_H

#include <linux/types.h>
#include <stdio.h>

#include "audit/verify.h"
#include "boot/boot_report.h"

void boot_text__print(FILE *out, const struct boot_report *report);
void boot_json__print(FILE *out, const struct boot_report *report);

/* One line of JSON for one record; @t_offset makes its time CLOCK_MONOTONIC. */
void boot_json__record(FILE *out, const struct xp_record *record, int64_t t_offset);

const char *boot__mode_name(uint32_t mode);

#endif
