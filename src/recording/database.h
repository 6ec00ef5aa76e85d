/* SPDX-License-Identifier: GPL-2.0-only */
/* The database of a recording that is written: its tables, and a prepared statement for each. */
#ifndef XENPIN_DATABASE_H
#define XENPIN_DATABASE_H

#include <stdbool.h>

#include "pending.h"

/* Statements that are not about records. */
enum plain {
	PLAIN_BEGIN, PLAIN_COMMIT, PLAIN_TASK, PLAIN_STACK, PLAIN_SYMBOL, PLAIN_SET, PLAIN_HOOK,
	PLAIN_FINDING, PLAIN_BOOT_GAP, PLAINS
};

struct database {
	sqlite3 *db;
	struct pending pending[LAYOUTS], pending_op;
	sqlite3_stmt *insert[LAYOUTS], *insert_op, *plain[PLAINS];	/* insert: what is pending */
};

/*
 * In the file @path, which must be there and empty.  Returns 0 or SQLite's code;
 * to be closed in any case.
 */
int database__open(struct database *database, const char *path);

/* @whole: nothing failed, so that all can be made one file, which travels. */
void database__close(struct database *database, bool whole);

#endif
