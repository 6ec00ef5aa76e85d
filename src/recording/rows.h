/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows of the records that a recorder left as they came, for every program that
 * knows SQLite.  To make them takes five times as long as to record, so it is done
 * when there is time.
 */
#ifndef XENPIN_ROWS_H
#define XENPIN_ROWS_H

#include <stdint.h>

#define ROWS_WHY 200

struct pins;

/*
 * Make rows of the raw records in the recording at @path.  Records behind number @boot go through @pins, which
 * completes them and knows those that have rows.  Returns 0, or -errno and in @why
 * what went wrong, as the end of a sentence; -EINTR: a blocked SIGINT, SIGTERM or
 * SIGHUP is waiting.  What has no rows by then can have them later.
 */
int rows__make(const char *path, struct pins *pins, int64_t boot, char why[ROWS_WHY]);

#endif
