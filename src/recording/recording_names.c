// SPDX-License-Identifier: GPL-2.0-only
/* The names of the addresses that stand in the stacks of a recording. */
#include "guest/symbols.h"
#include "recording_file.h"

/* Each is read as often as a stack has it, and a value in a file may be as long as a MiB. */
static int check_names(struct recording *r)
{
	char *sql = sqlite3_mprintf("SELECT 1 FROM symbol WHERE length(CAST(name AS BLOB)) >= %d",
				    SYMBOL_LEN);
	sqlite3_stmt *row = NULL;
	int err = recording__prepare(r, sql, &row);
	int rc = err ? SQLITE_DONE : sqlite3_step(row);

	if (rc == SQLITE_ROW)
		err = recording__damaged(r, "it is damaged: a symbol's name is too long");
	else if (rc != SQLITE_DONE)
		err = recording__failed(r, rc);
	sqlite3_finalize(row);
	sqlite3_free(sql);
	return err;
}

int recording__symbol(struct recording *r, uint64_t address, const char **name,
		      char why[RECORDING_WHY])
{
	int rc;

	*name = NULL;
	if (!r->names_checked) {
		r->why = r->names_why;
		r->names_err = check_names(r);
		r->names_checked = true;
	}
	if (r->names_err) {
		snprintf(why, RECORDING_WHY, "%s", r->names_why);
		return r->names_err;
	}
	r->why = why;
	sqlite3_reset(r->symbol);
	sqlite3_bind_int64(r->symbol, 1, address);
	rc = sqlite3_step(r->symbol);
	if (rc == SQLITE_ROW)
		*name = (const char *)sqlite3_column_text(r->symbol, 0);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : recording__failed(r, rc);
}
