/* SPDX-License-Identifier: GPL-2.0-only */
/* The database of a recording, open to be written.  Returned is 0 or SQLite's code. */
#ifndef XENPIN_DATABASE_H
#define XENPIN_DATABASE_H

#include <sqlite3.h>

/* In the file @path, which must be there and empty.  To be closed in any case. */
int database__create(sqlite3 **db, const char *path);

/* One that is there.  To be closed in any case. */
int database__open(sqlite3 **db, const char *path);

int database__prepare(sqlite3 *db, const char *sql, sqlite3_stmt **stmt);

/* @nr of them, to be finalized in any case. */
int database__prepare_all(sqlite3 *db, const char *const *sql, sqlite3_stmt **stmts, int nr);
void database__finalize_all(sqlite3_stmt **stmts, int nr);

/* As -errno. */
int database__errno(sqlite3 *db, int rc);

/* As one file, which travels, unless somebody reads it just now. */
void database__close_whole(sqlite3 *db);

#endif
