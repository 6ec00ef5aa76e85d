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

static void put_batch(struct line *l, const struct xp_record *rec)
{
	DEC(l, "entries", rec->u.batch.entries);
	DEC(l, "latency_ns", rec->u.batch.latency_ns);
	put_ops_array(l, rec);
}

static void put_boot(struct line *l, const struct xp_record *rec)
{
	HEX(l, "pfn", rec->u.boot.pfn);
	DEC(l, "pages", rec->u.boot.pages);
	DEC(l, "node", rec->u.boot.node);
	DEC(l, "threads", rec->u.boot.threads);
	WORD(l, "where", rec->kind == XP_DEFERRED_RANGE ? record__where_name(rec->where) : "");
}

static void put_refused(struct line *l, const struct xp_record *rec)
{
	const __u64 *stack = record__stack(rec);

	put_refusal(l, rec);
	PUT(l, ",\"stack\":[");
	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++) {
		if (i)
			PUT(l, ",");
		put_hex_string(l, stack[i]);
	}
	PUT(l, "]");
}

static void put_dropped(struct line *l, const struct xp_record *rec)
{
	WORD(l, "probe", record__probe_name(rec->u.dropped.probe));
	DEC(l, "count", rec->u.dropped.count);
}

static const put_fn put_kind[XP_KIND_END] = {
#define KIND(name, word, shape, ...) [XP_##name] = put_##shape,
#include "../../include/kinds.def"
};

void boot_json__record(FILE *out, const struct xp_record *rec, int64_t t_offset)
{
	put_fn body = put_fn_of(put_kind, rec);
	char text[LINE_BYTES];
	struct line l = line__begin(text);

	PUT(&l, JSON_BEGIN "\"type\":\"record\",\"seq\":");
	put_dec(&l, rec->seq);
	DEC(&l, "slots", rec->kind == XP_DROPPED ? 0 : rec->nslots);
	PUT(&l, ",\"t\":");
	put_signed(&l, rec->t + t_offset);
	DEC(&l, "cpu", rec->cpu);
	DEC(&l, "pid", rec->pid);
	PUT(&l, ",\"comm\":");
	put_comm(&l, rec->comm);
	WORD(&l, "kind", record__kind(rec)->word ?: "unknown");
	if (body)
		body(&l, rec);
	PUT(&l, "}\n");
	line__write(&l, out);
}
