// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "base/grow.h"
#include "record/sink.h"
#include "record/records.h"
#include "pending.h"

struct table {
	sqlite3_vtab base;
	const struct pending *pending;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct pending *pending;
	size_t row;
};

static int connect(sqlite3 *db, void *pending, int argc, const char *const *argv,
		   sqlite3_vtab **out, char **error)
{
	const struct pending *p = pending;
	char *sql = layout__columns(p->layout);
	struct table *table;
	int rc;

	(void)argc, (void)argv, (void)error;
	rc = sql ? sqlite3_declare_vtab(db, sql) : SQLITE_NOMEM;
	sqlite3_free(sql);
	if (rc)
		return rc;
	table = sqlite3_malloc(sizeof(*table));
	if (!table)
		return SQLITE_NOMEM;
	*table = (struct table){ .pending = p };
	*out = &table->base;
	return SQLITE_OK;
}

static int disconnect(sqlite3_vtab *table)
{
	sqlite3_free(table);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *table, sqlite3_index_info *info)
{
	(void)table, (void)info;
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *table, sqlite3_vtab_cursor **out)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	if (!c)
		return SQLITE_NOMEM;
	*c = (struct cursor){ .pending = ((struct table *)table)->pending };
	*out = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	sqlite3_free(cursor);
	return SQLITE_OK;
}

static int first(sqlite3_vtab_cursor *cursor, int index, const char *name, int argc,
		 sqlite3_value **argv)
{
	(void)index, (void)name, (void)argc, (void)argv;
	((struct cursor *)cursor)->row = 0;
	return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *cursor)
{
	((struct cursor *)cursor)->row++;
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
	const struct cursor *c = (struct cursor *)cursor;

	return c->row >= c->pending->nr;
}

static int64_t number(const void *base, const struct column *c)
{
	const void *at = base + c->at;

	switch (c->size) {
	case 1:
		return *(const uint8_t *)at;
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		return *(const int64_t *)at;
	}
}

/* All bits of the column. */
static int64_t unknown(const struct column *c)
{
	return c->size < 8 ? (1LL << 8 * c->size) - 1 : -1;
}

static void number_or_null(sqlite3_context *out, int64_t n, bool known)
{
	if (known)
		sqlite3_result_int64(out, n);
	else
		sqlite3_result_null(out);
}

static int value(sqlite3_vtab_cursor *cursor, sqlite3_context *out, int i)
{
	const struct cursor *at = (struct cursor *)cursor;
	const struct pending_row *row = &at->pending->rows[at->row];
	const struct column *c = &at->pending->layout->columns[i - 1];
	int64_t n;

	if (!i) {
		sqlite3_result_int64(out, row->seq);
		return SQLITE_OK;
	}
	switch (c->as) {
	case AS_NUMBER:
		sqlite3_result_int64(out, number(row->base, c));
		break;
	case AS_KNOWN:
		n = number(row->base, c);
		number_or_null(out, n, n != unknown(c));
		break;
	case AS_SIGNED:
		sqlite3_result_int(out, (int16_t)number(row->base, c));
		break;
	case AS_SEEN:
		number_or_null(out, number(row->base, c), row->seen);
		break;
	case AS_TASK:
		number_or_null(out, row->task, row->task);
		break;
	case AS_WORD:
		sqlite3_result_text(out, row->word, -1, SQLITE_STATIC);
		break;
	case AS_PROBE:
		sqlite3_result_text(out, record__probe_name(number(row->base, c)), -1, SQLITE_STATIC);
		break;
	}
	return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	*id = ((struct cursor *)cursor)->row;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = connect,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = first,
	.xNext = next,
	.xEof = at_end,
	.xColumn = value,
	.xRowid = row_id,
};

int pending__open(struct pending *p, sqlite3 *db, const struct layout *layout)
{
	char *name = sqlite3_mprintf("pending_%s", layout->name);
	int rc = name ? sqlite3_create_module(db, name, &module, p) : SQLITE_NOMEM;

	p->layout = layout;
	sqlite3_free(name);
	return rc;
}

void pending__close(struct pending *p)
{
	free(p->rows);
}

int pending__add(struct pending *p, struct pending_row row)
{
	if (GROW(p->rows, p->nr, p->room, 1024))
		return -ENOMEM;
	p->rows[p->nr++] = row;
	return 0;
}
