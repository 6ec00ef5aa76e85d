/* SPDX-License-Identifier: GPL-2.0-only */
/* --ready-file: for a script that waits until a command is at work. */
#ifndef XENPIN_READY_FILE_H
#define XENPIN_READY_FILE_H

#include "base/xenpin.h"

/* Create @path, unless it is NULL.  EXIT_CLEAN or EXIT_USAGE, which it says. */
enum exit_status ready_file__create(const char *path);

#endif
