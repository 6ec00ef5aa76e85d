// SPDX-License-Identifier: GPL-2.0-only
/* Makes an empty recording, and what its writer needs. */
#include <stddef.h>

#include "database.h"

#define STR(x)	#x
#define XSTR(x)	STR(x)

/*
 * A commit waits for the disk, so that it survives the death of the guest; it
 * is twice a second.  The log may grow to 32 MB before it is folded into the file.
 */
static const char setup[] =
	"PRAGMA page_size = 8192;"
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA wal_autocheckpoint = 4096;"
	"PRAGMA journal_size_limit = 0;"
	"PRAGMA cache_size = -32768;"
	"PRAGMA application_id = " XSTR(RECORDING_ID) ";"
	"PRAGMA user_version = " XSTR(RECORDING_VERSION) ";";

static const char *const plain_sql[PLAINS] = {
	[PLAIN_BEGIN] = "BEGIN",
	[PLAIN_COMMIT] = "COMMIT",
	[PLAIN_TASK] = "INSERT INTO task VALUES (?, ?, ?)",
	[PLAIN_STACK] = "INSERT INTO stack VALUES (?, ?, ?)",
	[PLAIN_SYMBOL] = "INSERT OR IGNORE INTO symbol VALUES (?, ?)",
	[PLAIN_SET] = "INSERT OR REPLACE INTO recording VALUES (?, ?)",
	[PLAIN_FINDING] = "INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[PLAIN_BOOT_GAP] = "INSERT INTO boot_gap VALUES (?)",
	[PLAIN_HOOK] = "INSERT OR REPLACE INTO hook VALUES (?, ?, ?, ?, ?)",
};

static int prepare(struct database *d, char *sql, sqlite3_stmt **stmt)
{
	int rc = sql ? sqlite3_prepare_v3(d->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) :
		       SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

static int create_table(struct database *d, const struct layout *layout)
{
	char *sql = layout__create(layout);
	int rc = sql ? sqlite3_exec(d->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

static int create_tables(struct database *d)
{
	int rc = sqlite3_exec(d->db, setup, NULL, NULL, NULL);

	if (!rc)
		rc = sqlite3_exec(d->db, "BEGIN", NULL, NULL, NULL);
	for (int i = 0; !rc && i < LAYOUTS; i++)
		rc = create_table(d, &layouts[i]);
	if (!rc)
		rc = create_table(d, &op_layout);
	if (!rc)
		rc = sqlite3_exec(d->db, layout_rest, NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

static int prepare_insert(struct database *d, const struct layout *layout, struct pending *pending,
			  sqlite3_stmt **stmt)
{
	return pending__open(pending, d->db, layout) ?: prepare(d, layout__insert(layout), stmt);
}

static int prepare_all(struct database *d)
{
	int rc = prepare_insert(d, &op_layout, &d->pending_op, &d->insert_op);

	for (int i = 0; !rc && i < LAYOUTS; i++)
		rc = prepare_insert(d, &layouts[i], &d->pending[i], &d->insert[i]);
	for (int i = 0; !rc && i < PLAINS; i++)
		rc = prepare(d, sqlite3_mprintf("%s", plain_sql[i]), &d->plain[i]);
	return rc;
}

int database__open(struct database *d, const char *path)
{
	int rc = sqlite3_open_v2(path, &d->db, SQLITE_OPEN_READWRITE, NULL);

	if (!rc)
		rc = create_tables(d);
	if (!rc)
		rc = prepare_all(d);
	return rc;
}

void database__close(struct database *d, bool whole)
{
	for (int i = 0; i < LAYOUTS; i++) {
		sqlite3_finalize(d->insert[i]);
		pending__close(&d->pending[i]);
	}
	pending__close(&d->pending_op);
	for (int i = 0; i < PLAINS; i++)
		sqlite3_finalize(d->plain[i]);
	sqlite3_finalize(d->insert_op);
	/* That fails while somebody reads it, and does no harm. */
	if (whole)
		sqlite3_exec(d->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(d->db);
}
