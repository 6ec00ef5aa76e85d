// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records as they are, one JSON object each, with their numbers: what `boot
 * --records` prints.  The objects of a trace leave out what a tracer has no
 * use for, and its flag writes may be inferred; these are the kernel's own.
 */
#include "record/records.h"
#include "boot_output.h"
#include "json.h"

#define HEX(l, name, value) \
	do { PUT(l, ",\"" name "\":"); put_hex_string(l, value); } while (0)
#define DEC(l, name, value) \
	do { PUT(l, ",\"" name "\":"); put_dec(l, value); } while (0)
#define WORD(l, name, value) \
	do { PUT(l, ",\"" name "\":\""); put_string(l, value); PUT(l, "\""); } while (0)

static void put_table(struct line *l, const struct xp_record *rec)
{
	DEC(l, "level", rec->level);
	HEX(l, "pfn", rec->u.table.pfn);
	HEX(l, "mm", rec->u.table.mm);
	HEX(l, "ip", rec->u.table.ip);
	PUT(l, ",\"pinned\":");
	put_bool(l, rec->flags & XP_F_PINNED);
}

static void put_flag(struct line *l, const struct xp_record *rec)
{
	DEC(l, "level", rec->level);
	HEX(l, "pfn", rec->u.flag.pfn);
	HEX(l, "mm", rec->u.flag.mm);
	HEX(l, "ip", rec->u.flag.ip);
	PUT(l, ",\"old\":");
	put_bool(l, rec->flags & XP_F_FLAG);
	if (rec->kind == XP_ERASED)
		WORD(l, "where", record__where_name(rec->where));
}

static void put_mm(struct line *l, const struct xp_record *rec)
{
	HEX(l, "mm", rec->u.mm.mm);
	HEX(l, "pgd", rec->u.mm.pgd);
	HEX(l, "pfn", rec->u.mm.pgd_pfn);
}

static void put_ops(struct line *l, const struct xp_record *rec)
{
	DEC(l, "entries", rec->u.batch.entries);
	DEC(l, "latency_ns", rec->u.batch.latency_ns);
	put_ops_array(l, rec);
}

static void put_stage(struct line *l, const struct xp_record *rec)
{
	HEX(l, "pfn", rec->u.boot.pfn);
	DEC(l, "pages", rec->u.boot.pages);
	DEC(l, "node", rec->u.boot.node);
	DEC(l, "threads", rec->u.boot.threads);
	WORD(l, "where", rec->kind == XP_DEFERRED_RANGE ? record__where_name(rec->where) : "");
}

static void put_lost(struct line *l, const struct xp_record *rec)
{
	static const char *const names[XP_HOOK_MAX] = {
		[XP_HOOK_FLUSH] = "flush", [XP_HOOK_ALLOC] = "alloc",
		[XP_HOOK_RELEASE] = "release", [XP_HOOK_PGD_PIN] = "pgd_pin",
		[XP_HOOK_PGD_UNPIN] = "pgd_unpin", [XP_HOOK_DIRECT] = "direct",
		[XP_HOOK_SET] = "set", [XP_HOOK_CLEAR] = "clear", [XP_HOOK_BOOT] = "boot",
	};
	uint32_t hook = rec->u.lost.hook;

	WORD(l, "hook", hook < XP_HOOK_MAX && names[hook] ? names[hook] : "other");
	DEC(l, "count", rec->u.lost.count);
}

static const put_fn put_kind[XP_KIND_END] = {
	[XP_LOST] = put_lost,
	[XP_BATCH] = put_ops,
	[XP_DIRECT] = put_ops,
	[XP_TABLE_ALLOC] = put_table,
	[XP_TABLE_RELEASE] = put_table,
	[XP_MM_PIN] = put_mm,
	[XP_MM_UNPIN] = put_mm,
	[XP_FLAG_SET] = put_flag,
	[XP_FLAG_CLEAR] = put_flag,
	[XP_ERASED] = put_flag,
	[XP_REPAIRED] = put_flag,
	[XP_HANDOVER_BEGIN] = put_stage,
	[XP_HANDOVER_END] = put_stage,
	[XP_HOOK_BEGIN] = put_stage,
	[XP_HOOK_END] = put_stage,
	[XP_DEFERRED_BEGIN] = put_stage,
	[XP_DEFERRED_END] = put_stage,
	[XP_DEFERRED_RANGE] = put_stage,
	[XP_TAKEOVER] = put_stage,
};

void boot_json__record(FILE *out, const struct xp_record *rec, int64_t t_offset)
{
	put_fn body = put_fn_of(put_kind, rec);
	char text[LINE_BYTES];
	struct line l = line__begin(text);

	PUT(&l, "{\"schema\":1,\"type\":\"record\",\"seq\":");
	put_dec(&l, rec->seq);
	DEC(&l, "slots", rec->kind == XP_LOST ? 0 : rec->nslots);
	PUT(&l, ",\"t\":");
	put_signed(&l, rec->t + t_offset);
	DEC(&l, "cpu", rec->cpu);
	DEC(&l, "pid", rec->pid);
	PUT(&l, ",\"comm\":");
	put_comm(&l, rec->comm);
	WORD(&l, "kind", record__kind_name(rec->kind));
	if (body)
		body(&l, rec);
	PUT(&l, "}\n");
	line__write(&l, out);
}
