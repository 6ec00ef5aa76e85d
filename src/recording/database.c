// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "database.h"
#include "layout.h"

#define VALUE_MAX	(1 << 20)	/* bytes; a recorder's longest is a piece of records */

#define TABLES_MAX	32		/* bits of a mask */

static const char every_table[] = "SELECT name, sql FROM sqlite_schema WHERE type = 'table'";

#define STR(x)	#x
#define XSTR(x)	STR(x)

/*
 * A commit waits for the disk, so that it survives the death of the guest; it
 * is twice a second.  The log may grow to 32 MB before it is folded into the file.
 * Who writes to it with another program is waited for, but not long: meanwhile the
 * rings fill.
 */
#define BUSY_MS	2000
#define PACE \
	"PRAGMA busy_timeout = " XSTR(BUSY_MS) ";" \
	"PRAGMA journal_mode = WAL;" \
	"PRAGMA synchronous = FULL;" \
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

	for (int i = 0; !rc && i < SHAPES; i++)
		rc = create_table(db, &layouts[i]);
	if (!rc)
		rc = create_table(db, &op_layout);
	if (!rc)
		rc = sqlite3_exec(db, layout_rest, NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	return rc;
}

/*
 * Not by SQLite's locks, which come and go with each transaction.  A new file is its owner's
 * alone: it will hold addresses of the kernel, which CAP_SYSLOG guards.
 */
int database__lock(const char *path, int flags)
{
	int fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err;
}

int database__create(sqlite3 **db, const char *path)
{
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);

	return rc ?: create_tables(*db);
}

void database__distrust(sqlite3 *db)
{
	static const struct { int op, on; } rules[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		sqlite3_db_config(db, rules[i].op, rules[i].on, NULL);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
}

/* As SQLite has them in a schema that was made here: the same text in any recording. */
static struct table {
	char *name, *sql;
} tables[TABLES_MAX];
static int nr_tables;

static int on_own_table(void *context, int columns, char **values, char **names)
{
	struct table table = { strdup(values[0]), strdup(values[1]) };

	if (!table.name || !table.sql || nr_tables == TABLES_MAX)
		return SQLITE_NOMEM;
	tables[nr_tables++] = table;
	return SQLITE_OK;
}

/* A bit of @same for each table that is as it should be. */
static int on_table(void *same, int columns, char **values, char **names)
{
	for (int i = 0; i < nr_tables; i++)
		if (values[0] && values[1] && !strcmp(values[0], tables[i].name) &&
		    !strcmp(values[1], tables[i].sql))
			*(uint32_t *)same |= 1U << i;
	return SQLITE_OK;
}

static int know_tables(void)
{
	sqlite3 *memory;
	int rc;

	if (nr_tables)
		return SQLITE_OK;
	rc = sqlite3_open_v2(":memory:", &memory, SQLITE_OPEN_READWRITE, NULL);
	if (!rc)
		rc = create_tables(memory);
	if (!rc)
		rc = sqlite3_exec(memory, every_table, on_own_table, NULL, NULL);
	sqlite3_close(memory);
	return rc;
}

int database__check(sqlite3 *db, char odd[DATABASE_NAME])
{
	int rc = know_tables();
	uint32_t same = 0;

	*odd = 0;
	if (!rc)
		rc = sqlite3_exec(db, every_table, on_table, &same, NULL);
	for (int i = nr_tables - 1; !rc && i >= 0; i--)
		if (!(same & 1U << i))
			snprintf(odd, DATABASE_NAME, "%s", tables[i].name);
	return rc;
}

int database__open(sqlite3 **db, const char *path)
{
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);

	if (rc)
		return rc;
	database__distrust(*db);
	return sqlite3_exec(*db, PACE, NULL, NULL, NULL);
}

/* It is one file, and may be in a directory where no other can be made. */
int database__exec_in_place(const char *path, const char *sql)
{
	sqlite3 *db;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	if (!rc)
		rc = sqlite3_exec(db, "PRAGMA journal_mode = MEMORY", NULL, NULL, NULL);
	if (!rc)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return rc;
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
	case SQLITE_INTERRUPT:
		return -EINTR;
	default:
		return sqlite3_system_errno(db) ? -sqlite3_system_errno(db) : -EIO;
	}
}

static int is_one_file(void *is, int columns, char **values, char **names)
{
	*(bool *)is = strcmp(values[0], "wal");
	return 0;
}

/* SQLite waits for nobody here, and says either that it is locked or that it is "wal" still. */
int database__fold(sqlite3 *db)
{
	bool folded = false;
	int rc;

	sqlite3_busy_timeout(db, 0);
	rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", is_one_file, &folded, NULL);
	/*
	 * Privileges may be gone, with which a journal could be made in this directory, for the
	 * page that says "no log", and the log be removed: then it is empty at least.
	 */
	if (rc && (rc & 0xff) != SQLITE_BUSY)
		rc = sqlite3_exec(db, "PRAGMA journal_mode = MEMORY", is_one_file, &folded, NULL);
	if (!rc && folded && truncate(sqlite3_filename_wal(sqlite3_db_filename(db, "main")), 0) &&
	    errno != ENOENT)
		rc = SQLITE_IOERR;
	sqlite3_busy_timeout(db, BUSY_MS);
	return rc || folded ? rc : SQLITE_BUSY;
}
