// SPDX-License-Identifier: GPL-2.0-only
/* The tables of a recording, and the SQL that follows from them. */
#include <stddef.h>
#include <string.h>

#include "layout.h"

#define FIELD(name, field) \
	{ name, AS_NUMBER, offsetof(struct xp_record, field), \
	  sizeof(((struct xp_record *)0)->field) }

#define KNOWN(name, field) \
	{ name, AS_KNOWN, offsetof(struct xp_record, field), sizeof(((struct xp_record *)0)->field) }

#define HEAD \
	FIELD("t", t), FIELD("cpu", cpu), { "task", AS_TASK }, FIELD("flags", flags), \
	{ "what", AS_WORD, offsetof(struct xp_record, kind), 1 }

#define OP(name, as, field) \
	{ name, as, offsetof(struct xp_op, field), sizeof(((struct xp_op *)0)->field) }

static const struct column batch_columns[] = {
	HEAD,
	FIELD("entries", u.batch.entries),
	KNOWN("latency_ns", u.batch.latency_ns),
	{}
};

static const struct column table_columns[] = {
	HEAD,
	FIELD("pfn", u.table.pfn), FIELD("level", level), FIELD("mm", u.table.mm),
	FIELD("ip", u.table.ip),
	{}
};

static const struct column mm_columns[] = {
	HEAD,
	FIELD("mm", u.mm.mm), FIELD("pgd", u.mm.pgd), FIELD("pgd_pfn", u.mm.pgd_pfn),
	{}
};

static const struct column flag_columns[] = {
	HEAD,
	FIELD("pfn", u.flag.pfn), FIELD("level", level), FIELD("mm", u.flag.mm),
	FIELD("ip", u.flag.ip), FIELD("place", where),
	{}
};

static const struct column boot_columns[] = {
	HEAD,
	FIELD("pfn", u.boot.pfn), FIELD("pages", u.boot.pages), FIELD("node", u.boot.node),
	FIELD("threads", u.boot.threads), FIELD("place", where),
	{}
};

static const struct column dropped_columns[] = {
	HEAD,
	{ "probe", AS_PROBE, offsetof(struct xp_record, u.dropped.probe), 4 },
	FIELD("count", u.dropped.count),
	{}
};

static const struct column refused_columns[] = {
	HEAD,
	KNOWN("hypercall", u.refused.hypercall), KNOWN("command", u.refused.command),
	KNOWN("count", u.refused.count),
	KNOWN("arg0", u.refused.args[0]), KNOWN("arg1", u.refused.args[1]),
	{ "result", AS_SIGNED, offsetof(struct xp_record, u.refused.result), 2 },
	{}
};

static const struct column op_columns[] = {
	OP("op", AS_WORD, op), OP("level", AS_NUMBER, level), OP("mfn", AS_NUMBER, mfn),
	OP("pfn", AS_KNOWN, pfn), OP("result", AS_SEEN, result),
	{}
};

static const char *const op_words[] = { [XP_OP_PIN] = "pin", [XP_OP_UNPIN] = "unpin" };

#define FLAG_BEFORE "CASE WHEN flags & 4 THEN flags >> 1 & 1 END"

/* Of each shape: columns that are computed. */
#define dropped_derived ""
#define batch_derived ""
#define table_derived ", pinned AS (flags & 1), flag AS (" FLAG_BEFORE ")"
#define mm_derived ""
#define flag_derived ", was AS (" FLAG_BEFORE ")"
#define boot_derived ""

#define WHEN(number, name, ...) " WHEN " #number " THEN '" #name "'"

static const char refused_derived[] =
	", op AS (CASE hypercall"
#define HYPERCALL WHEN
#include "record/hypercalls.def"
	" END), operation AS (CASE op WHEN 'mmuext_op' THEN CASE command"
#define MMUEXT WHEN
#include "record/hypercalls.def"
	" END WHEN 'mmu_update' THEN CASE command"
#define MMU WHEN
#include "record/hypercalls.def"
	" END END)";

const struct layout layouts[SHAPES] = {
#define SHAPE(shape, table) [SHAPE_##shape] = { table, shape##_derived, shape##_columns },
#include "../../include/kinds.def"
};

const struct layout op_layout = { "op", "", op_columns };

#define DEFINE(name, type)	#name " " type
#define AND_DEFINE(name, type)	", " #name " " type
#define GIVE(name, type)	"?"
#define AND_GIVE(name, type)	", ?"
#define AND_NAME(name, type)	", " #name

const char finding_insert[] = "INSERT INTO finding VALUES (" FINDING_COLUMNS(GIVE, AND_GIVE) ")";
const char finding_select[] = "SELECT rowid" FINDING_COLUMNS(AND_NAME, AND_NAME) " FROM finding ORDER BY rowid";

const char layout_rest[] =
	"CREATE TABLE recording(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"CREATE TABLE probe(name TEXT PRIMARY KEY, via TEXT, delivered INTEGER, dropped INTEGER,"
	" missed INTEGER) WITHOUT ROWID;"
	"CREATE TABLE task(task INTEGER PRIMARY KEY, pid INTEGER, comm TEXT);"
	"CREATE TABLE finding(" FINDING_COLUMNS(DEFINE, AND_DEFINE) ");"
	"CREATE TABLE boot_gap(text TEXT);"
	"CREATE TABLE raw(seq INTEGER PRIMARY KEY, records BLOB);"
	"CREATE TABLE stack(seq INTEGER, frame INTEGER, address INTEGER);"
	"CREATE TABLE symbol(address INTEGER PRIMARY KEY, name TEXT);";

static char *append(char *sql, const struct layout *l, const char *format)
{
	for (const struct column *c = l->columns; sql && c->name; c++) {
		char *longer = sqlite3_mprintf(format, sql, c->name);

		sqlite3_free(sql);
		sql = longer;
	}
	return sql;
}

static char *finish(char *sql, const char *tail)
{
	char *whole = sql ? sqlite3_mprintf("%s%s", sql, tail) : NULL;

	sqlite3_free(sql);
	return whole;
}

char *layout__create(const struct layout *l)
{
	const char *key = l == &op_layout ? "" : " PRIMARY KEY";
	char *sql = append(sqlite3_mprintf("CREATE TABLE %s(seq INTEGER%s", l->name, key), l,
			   "%s, %s");

	sql = finish(sql, l->derived);
	return finish(sql, ")");
}

char *layout__columns(const struct layout *l)
{
	return finish(append(sqlite3_mprintf("CREATE TABLE %s(seq", l->name), l, "%s, %s"), ")");
}

char *layout__insert(const struct layout *l)
{
	return sqlite3_mprintf("INSERT INTO %s SELECT * FROM pending_%s", l->name, l->name);
}

char *layout__select(const struct layout *l)
{
	char *sql = append(sqlite3_mprintf("SELECT seq"), l, "%s, %s");
	char *whole = sql ? sqlite3_mprintf("%s FROM %s ORDER BY rowid", sql, l->name) : NULL;

	sqlite3_free(sql);
	return whole;
}

const char *layout__word(const struct layout *l, uint8_t kind)
{
	return l == &op_layout ? op_words[kind] : record_kinds[kind].what;
}

static uint8_t find_op(const char *word)
{
	for (uint8_t op = XP_OP_PIN; op <= XP_OP_UNPIN; op++)
		if (!strcmp(op_words[op], word))
			return op;
	return 0;
}

uint8_t layout__kind(const struct layout *l, const char *word)
{
	if (l == &op_layout)
		return find_op(word);
	for (uint8_t k = 1; k < XP_KIND_END; k++)
		if (&layouts[record_shapes[k]] == l && !strcmp(record_kinds[k].what, word))
			return k;
	return 0;
}
