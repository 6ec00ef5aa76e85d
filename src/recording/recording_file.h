/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording that is open for reading: what recording.c and recording_facts.c share. */
#ifndef XENPIN_RECORDING_FILE_H
#define XENPIN_RECORDING_FILE_H

#include "record/records.h"
#include "layout.h"
#include "raw.h"
#include "recording.h"

#define OPEN_S	10	/* until the first record is at hand */

/* Rows of one table, of which the first one not handed over is at hand. */
struct cursor {
	sqlite3_stmt *rows;
	const struct layout *layout;	/* NULL: of `stack` */
	int64_t seq;			/* INT64_MAX: there are no more */
};

struct recording {
	sqlite3 *db;
	struct recording_info info;
	struct probe_report probes[XP_PROBES_MAX];
	char names[XP_PROBES_MAX][2][16];	/* name and via */
	struct cursor records[SHAPES], ops, stacks;
	sqlite3_stmt *task, *symbol, *pieces;
	bool names_checked;		/* by the first recording__symbol(): */
	int names_err;			/* none can be used, since */
	char names_why[RECORDING_WHY];
	int64_t seq;			/* of the last record */
	bool stopped;
	uint64_t deadline;		/* ns, of what goes on; 0: none */
	union raw_record rec;
	struct raw raw;			/* the piece at hand */
	char *why;			/* the caller's, RECORDING_WHY bytes */
};

/* Into .why, as the end of a sentence.  Returns -EBADMSG. */
int recording__damaged(struct recording *recording, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What SQLite says with @rc, into .why.  Returns -errno. */
int recording__failed(struct recording *recording, int rc);

/* Returns 0 or -errno, with .why. */
int recording__prepare(struct recording *recording, const char *sql, sqlite3_stmt **stmt);

/* Is it a recording, and of this version?  Then what stands beside its records.  The same. */
int recording__read_facts(struct recording *recording);

#endif
