// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>

#include "database.h"
#include "layout.h"

#define STR(x)	#x
#define XSTR(x)	STR(x)

/*
 * A commit waits for the disk, so that it survives the death of the guest; it
 * is twice a second.  The log may grow to 32 MB before it is folded into the file.
 * Rows may be made of a recording that goes on: either waits for the other.
 */
#define PACE \
	"PRAGMA journal_mode = WAL;" \
	"PRAGMA synchronous = FULL;" \
	"PRAGMA busy_timeout = 2000;" \
	"PRAGMA wal_autocheckpoint = 4096;" \
	"PRAGMA journal_size_limit = 0;" \
	"PRAGMA cache_size = -32768;"

static const char setup[] =
	"PRAGMA page_size = 8192;"
	PACE
	"PRAGMA application_id = " XSTR(RECORDING_ID) ";"
	"PRAGMA user_version = " XSTR(RECORDING_VERSION) ";"
	"BEGIN";

static int create_table(sqlite3 *db, const struct layout *layout)
{
	char *sql = layout__create(layout);
	int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

static int create_tables(sqlite3 *db)
{
	int rc = sqlite3_exec(db, setup, NULL, NULL, NULL);

	for (int i = 0; !rc && i < LAYOUTS; i++)
		rc = create_table(db, &layouts[i]);
	if (!rc)
		rc = create_table(db, &op_layout);
	if (!rc)
		rc = sqlite3_exec(db, layout_rest, NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

int database__create(sqlite3 **db, const char *path)
{
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);

	return rc ?: create_tables(*db);
}

/* The file may be somebody else's: nothing in it is run. */
int database__open(sqlite3 **db, const char *path)
{
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);

	if (rc)
		return rc;
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return sqlite3_exec(*db, PACE, NULL, NULL, NULL);
}

int database__prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt)
{
	return sql ? sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL) :
		     SQLITE_NOMEM;
}

int database__prepare_all(sqlite3 *db, const char *const *sql, sqlite3_stmt **stmts, int nr)
{
	int rc = SQLITE_OK;

	for (int i = 0; !rc && i < nr; i++)
		rc = database__prepare(db, sql[i], &stmts[i]);
	return rc;
}

void database__finalize_all(sqlite3_stmt **stmts, int nr)
{
	for (int i = 0; i < nr; i++)
		sqlite3_finalize(stmts[i]);
}

int database__errno(sqlite3 *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
		return -EBUSY;
	default:
		return sqlite3_system_errno(db) ? -sqlite3_system_errno(db) : -EIO;
	}
}

void database__close_whole(sqlite3 *db)
{
	sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	sqlite3_close(db);
}
