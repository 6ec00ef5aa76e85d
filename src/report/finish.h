/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a recorder puts off until it has the time: what its records show, and rows of
 * them for SQL.  Each may be interrupted, by a signal or for good, and taken up again.
 */
#ifndef XENPIN_FINISH_H
#define XENPIN_FINISH_H

#include <linux/types.h>
#include <stdint.h>

#include "recording/recorder.h"

/*
 * The recording at @path, as far as it has come; what has rows is left alone.  Returns 0 with the
 * findings it holds in *@findings (0 when it fails before they are known), or -errno
 * and in @why what went wrong, as the end of a sentence.  -EBADMSG: it is no
 * recording, or a damaged one.  -EINTR: a blocked SIGINT, SIGTERM or SIGHUP is waiting.
 */
int finish__recording(const char *path, uint64_t *findings, char why[RECORDING_WHY]);

/* The same of all files of a recorder, after its end, when nothing failed. */
int finish__recorder(struct recorder *recorder, uint64_t *findings, char why[RECORDING_WHY]);

#endif
