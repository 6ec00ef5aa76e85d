/* SPDX-License-Identifier: GPL-2.0-only */
/* The database of a recording, open to be written.  Returned is 0 or SQLite's code. */
#ifndef XENPIN_DATABASE_H
#define XENPIN_DATABASE_H

#include <sqlite3.h>

/*
 * The right to write to the recording @path, of one process at a time; @flags are
 * open()'s.  Returns a descriptor, to be closed after the database, since then
 * SQLite's own locks are gone, too; or -errno, -EBUSY: somebody has it.
 */
int database__lock(const char *path, int flags);

/* Make a database in the file @path, which must be there and empty.  To be closed in any case. */
int database__create(sqlite3 **db, const char *path);

/* Open an existing database, and database__distrust() it.  To be closed in any case. */
int database__open(sqlite3 **db, const char *path);

/*
 * @db may be somebody else's: nothing that its schema holds is run, and a value that is longer
 * than any of a recorder's is an error.
 */
void database__distrust(sqlite3 *db);

#define DATABASE_NAME 40

/*
 * Are the tables of @db those that database__create() makes, word by word?  A view, a computed
 * column or a constraint in their place could run for ever.  The name of one that is not is in
 * @odd, or "".
 */
int database__check(sqlite3 *db, char odd[DATABASE_NAME]);

/* Run @sql on the database at @path, which database__fold() made one file, without making another. */
int database__exec_in_place(const char *path, const char *sql);

int database__prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt);

/* Prepare @nr statements, which are to be finalized in any case. */
int database__prepare_all(sqlite3 *db, const char *const *sql, sqlite3_stmt **stmts, int nr);
void database__finalize_all(sqlite3_stmt **stmts, int nr);

/* As -errno. */
int database__errno(sqlite3 *db, int rc);

/*
 * Fold the log into the file, so that it is one, which travels.  SQLITE_BUSY: not
 * now, another program has it open.
 */
int database__fold(sqlite3 *db);

#endif
