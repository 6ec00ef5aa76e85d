// SPDX-License-Identifier: GPL-2.0-only
/* Text for people: one record a line, a batch's operations folded, the summary on stderr. */
#include <string.h>

#include "../symbols.h"
#include "../xenpin.h"
#include "../record.h"
#include "sink.h"

static void print_head(struct sink *sink, const struct xp_record *rec)
{
	uint64_t t = rec->t - sink->begin_ns;

	fprintf(sink->out, "%4llu.%06llu %3u ", (unsigned long long)(t / 1000000000),
		(unsigned long long)(t / 1000 % 1000000), rec->cpu);
	if (rec->kind != XP_LOST)
		fprintf(sink->out, "%7u %-15.*s ", rec->pid, XP_COMM_LEN, rec->comm);
}

static void print_level(struct sink *sink, uint8_t level)
{
	if (level)
		fprintf(sink->out, " L%u", level);
	else
		fputs(" L?", sink->out);
}

static void print_op(struct sink *sink, const struct xp_op *op)
{
	fputs(op->op == XP_OP_PIN ? "  pin" : "  unpin", sink->out);
	print_level(sink, op->level);
	if (op->pfn == XP_NO_PFN)
		fprintf(sink->out, " pfn ? mfn %#llx", op->mfn);
	else
		fprintf(sink->out, " pfn %#llx mfn %#llx", op->pfn, op->mfn);
	if (op->result)
		fprintf(sink->out, " FAILED %lld", op->result);
}

static void print_batch(struct sink *sink, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);

	fprintf(sink->out, "batch    %u of %u entries, %.1f us:", rec->u.batch.nops,
		rec->u.batch.entries, rec->u.batch.latency_ns / 1e3);
	for (uint32_t i = 0; i < rec->u.batch.nops; i++)
		print_op(sink, &op[i]);
}

static void print_table(struct sink *sink, const struct xp_record *rec)
{
	fputs(rec->kind == XP_TABLE_ALLOC ? "alloc   " : "release ", sink->out);
	print_level(sink, rec->level);
	fprintf(sink->out, " pfn %#llx", rec->u.table.pfn);
	if (rec->u.table.mm)
		fprintf(sink->out, " mm %#llx", rec->u.table.mm);
	if (rec->kind == XP_TABLE_ALLOC && rec->flags & XP_F_PINNED)
		fputs(" in a pinned tree", sink->out);
	if (rec->flags & XP_F_FLAG_KNOWN)
		fputs(rec->flags & XP_F_FLAG ? ", flag set" : ", flag clear", sink->out);
}

static void print_mm(struct sink *sink, const struct xp_record *rec)
{
	fprintf(sink->out, "%s mm %#llx pgd %#llx",
		rec->kind == XP_MM_PIN ? "mm-pin  " : "mm-unpin", rec->u.mm.mm, rec->u.mm.pgd);
}

static void print_flag(struct sink *sink, const struct xp_record *rec)
{
	fputs(rec->kind == XP_FLAG_SET ? "flag set" : "flag clr", sink->out);
	print_level(sink, rec->level);
	fprintf(sink->out, " pfn %#llx%s", rec->u.flag.pfn,
		rec->flags & XP_F_INFERRED ? " (inferred)" : "");
}

static void print_lost(struct sink *sink, const struct xp_record *rec)
{
	fprintf(sink->out, "LOST %llu records of %s here", rec->u.lost.count,
		hook_name(rec->u.lost.hook));
}

typedef void (*print_fn)(struct sink *sink, const struct xp_record *rec);

static const print_fn print_kind[XP_KIND_END] = {
	[XP_LOST] = print_lost,
	[XP_BATCH] = print_batch,
	[XP_TABLE_ALLOC] = print_table,
	[XP_TABLE_RELEASE] = print_table,
	[XP_MM_PIN] = print_mm,
	[XP_MM_UNPIN] = print_mm,
	[XP_FLAG_SET] = print_flag,
	[XP_FLAG_CLEAR] = print_flag,
};

static void text_record(struct sink *sink, const struct xp_record *rec)
{
	const __u64 *stack = record__stack(rec);

	if (rec->kind >= XP_KIND_END || !print_kind[rec->kind])
		return;
	print_head(sink, rec);
	print_kind[rec->kind](sink, rec);
	fputc('\n', sink->out);
	for (int i = 0; sink->symbols && stack && i < XP_STACK_MAX && stack[i]; i++) {
		char frame[SYMBOL_LEN];

		if (symbols__name(sink->symbols, stack[i], frame, sizeof(frame)))
			fprintf(sink->out, "%32s%s\n", "", frame);
	}
}

static void text_start(struct sink *sink, const struct session *s)
{
	sink->begin_ns = s->begin_ns;
	fprintf(sink->out, "%11s %3s %7s %-15s %s\n", "TIME(s)", "CPU", "PID", "COMM", "EVENT");
}

static void text_end(struct sink *sink, const struct session *s)
{
	fflush(sink->out);
	fprintf(stderr, "\n%llu records in %.3f s, %llu lost, %llu missed\n",
		(unsigned long long)s->delivered, (s->end_ns - s->begin_ns) / 1e9,
		(unsigned long long)s->lost, (unsigned long long)s->missed);
	fprintf(stderr, "  %-10s %-8s %10s %8s %8s\n", "hook", "via", "delivered", "lost", "missed");
	for (int i = 0; i < s->nr_hooks; i++)
		fprintf(stderr, "  %-10s %-8s %10llu %8llu %8llu\n", s->hooks[i].name,
			s->hooks[i].via, (unsigned long long)s->hooks[i].delivered,
			(unsigned long long)s->hooks[i].lost, (unsigned long long)s->hooks[i].missed);
}

const struct sink_ops sink_text = { text_start, text_record, text_end };
