/* SPDX-License-Identifier: GPL-2.0-only */
/* The halves of `xenpin boot` that read what another boot left in files. */
#ifndef XENPIN_BOOT_FILES_H
#define XENPIN_BOOT_FILES_H

#include <stdbool.h>

#include "base/xenpin.h"

/* --console FILE or -: what a guest that died says of why. */
enum exit_status boot_files__console(const char *path, bool json);

/* --compare A B: two accounts, as `xenpin boot --json` printed them. */
enum exit_status boot_files__compare(const char *const paths[2], bool json);

#endif
