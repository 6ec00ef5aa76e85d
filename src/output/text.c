// SPDX-License-Identifier: GPL-2.0-only
/* Text for people: one record a line, a batch's operations folded, the summary on stderr. */
#include <string.h>

#include "../../include/config.h"
#include "base/xenpin.h"
#include "guest/symbols.h"
#include "record/comm.h"
#include "record/hypercalls.h"
#include "record/records.h"
#include "finding.h"
#include "line.h"
#include "sinks.h"

#define WORD_COLUMNS 8

/* A task's name, in its column: mostly that of the record before. */
static void put_name(struct line *l, const char comm[XP_COMM_LEN])
{
	static char of[XP_COMM_LEN], column[XP_COMM_LEN + 1] = "                ";
	size_t len;

	if (memcmp(of, comm, XP_COMM_LEN)) {
		memcpy(of, comm, XP_COMM_LEN);
		len = comm__printable(column, comm);
		memset(column + len, ' ', XP_COMM_LEN - len);
	}
	put(l, column, XP_COMM_LEN);
}

/* What does not depend on the record's kind, in columns. */
static void put_head(struct line *l, const struct sink *sink, const struct xp_record *rec)
{
	uint64_t us = (rec->t - sink->begin_ns) / 1000;

	put_dec_padded(l, us / 1000000, 4, ' ');
	PUT(l, ".");
	put_dec_padded(l, us % 1000000, 6, '0');
	PUT(l, " ");
	put_dec_padded(l, rec->cpu, 3, ' ');
	PUT(l, " ");
	if (rec->kind == XP_DROPPED)
		return;
	put_dec_padded(l, rec->pid, 7, ' ');
	PUT(l, " ");
	put_name(l, rec->comm);
}

static void put_level(struct line *l, uint8_t level)
{
	PUT(l, " L");
	if (level)
		put_dec(l, level);
	else
		PUT(l, "?");
}

static void put_named_hex(struct line *l, const char *name, uint64_t value)
{
	put_string(l, name);
	put_hex(l, value);
}

static void put_op(struct line *l, const struct xp_op *op)
{
	put_string(l, op->op == XP_OP_PIN ? "  pin" : "  unpin");
	put_level(l, op->level);
	if (op->pfn == XP_NO_PFN)
		PUT(l, " pfn ?");
	else
		put_named_hex(l, " pfn ", op->pfn);
	put_named_hex(l, " mfn ", op->mfn);
	if (op->result) {
		PUT(l, " FAILED ");
		put_signed(l, op->result);
	}
}

static void put_batch(struct line *l, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);
	uint64_t tenths = (rec->u.batch.latency_ns + 50) / 100;

	PUT(l, "batch    ");
	put_dec(l, rec->u.batch.nops);
	PUT(l, " of ");
	put_dec(l, rec->u.batch.entries);
	PUT(l, " entries, ");
	if (rec->u.batch.latency_ns != XP_NO_TIME) {
		put_dec(l, tenths / 10);
		PUT(l, ".");
		put_dec(l, tenths % 10);
		PUT(l, " us:");
	} else {
		PUT(l, "end not seen:");
	}
	for (uint32_t i = 0; i < rec->u.batch.nops; i++)
		put_op(l, &op[i]);
}

/* What happened, in a column: copied by a constant length, of which .len counts. */
static const struct {
	char text[24];
	uint8_t len;
} words[XP_KIND_END] = {
#define LENGTH(word) (sizeof(word) - 1 < WORD_COLUMNS ? WORD_COLUMNS : sizeof(word) - 1)
#define KIND(name, word, ...) [XP_##name] = { word "        ", LENGTH(word) },
#include "../../include/kinds.def"
};

static void put_word(struct line *l, const struct xp_record *rec)
{
	memcpy(l->at, words[rec->kind].text, sizeof(words->text));
	l->at += words[rec->kind].len;
}

static void put_table(struct line *l, const struct xp_record *rec)
{
	put_word(l, rec);
	put_level(l, rec->level);
	put_named_hex(l, " pfn ", rec->u.table.pfn);
	if (rec->u.table.mm)
		put_named_hex(l, " mm ", rec->u.table.mm);
	if (rec->kind == XP_TABLE_ALLOC && rec->flags & XP_F_PINNED)
		PUT(l, " in a pinned tree");
	if (rec->flags & XP_F_FLAG_KNOWN)
		put_string(l, rec->flags & XP_F_FLAG ? ", flag set" : ", flag clear");
	if (rec->flags & XP_F_READONLY)
		PUT(l, ", and read-only in the direct map");
}

static void put_mm(struct line *l, const struct xp_record *rec)
{
	put_word(l, rec);
	put_named_hex(l, " mm ", rec->u.mm.mm);
	put_named_hex(l, " pgd ", rec->u.mm.pgd);
}

static void put_flag(struct line *l, const struct xp_record *rec)
{
	put_word(l, rec);
	put_level(l, rec->level);
	put_named_hex(l, " pfn ", rec->u.flag.pfn);
	if (rec->flags & XP_F_INFERRED)
		put_string(l, rec->flags & XP_F_READONLY ? " (seen, and read-only in the direct map)" :
							   " (inferred)");
}

static void put_dropped(struct line *l, const struct xp_record *rec)
{
	PUT(l, "DROPPED ");
	put_dec(l, rec->u.dropped.count);
	PUT(l, " records of ");
	put_string(l, record__probe_name(rec->u.dropped.probe));
	PUT(l, " here");
}

static void put_refused(struct line *l, const struct xp_record *rec)
{
	char call[REFUSED_WORDS];

	put_word(l, rec);
	PUT(l, " ");
	put_string(l, refused__in_words(&rec->u.refused, call));
}

/* No trace delivers a stage of boot: `boot --records` prints them (boot_records.c). */
#define put_boot NULL

static const put_fn put_kind[XP_KIND_END] = {
#define KIND(name, word, shape, ...) [XP_##name] = put_##shape,
#include "../../include/kinds.def"
};

static void print_stack(struct sink *sink, const __u64 *stack)
{
	line__write(&sink__lines, sink->out);
	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++) {
		char frame[SYMBOL_LEN];

		if (symbols__name(sink->symbols, stack[i], frame, sizeof(frame)))
			fprintf(sink->out, "%32s%s\n", "", frame);
	}
}

static void text_record(struct sink *sink, const struct xp_record *rec)
{
	put_fn body = put_fn_of(put_kind, rec);

	if (!body || record__ends_gap(rec))
		return;
	put_head(&sink__lines, sink, rec);
	body(&sink__lines, rec);
	PUT(&sink__lines, "\n");
	line__write_full(&sink__lines, sink->out);
	if (sink->symbols)
		print_stack(sink, record__stack(rec));
}

static void text_start(struct sink *sink, const struct session *s)
{
	sink->begin_ns = s->begin_ns;
	fprintf(sink->out, "%11s %3s %7s %-15s %s\n", "TIME(s)", "CPU", "PID", "COMM", "EVENT");
}

static void text_end(struct sink *sink, const struct session *s)
{
	sink__flush(sink);
	fprintf(stderr, "\n%llu records in %.3f s, %llu dropped, %llu missed, %llu findings\n",
		(unsigned long long)s->delivered, (s->end_ns - s->begin_ns) / 1e9,
		(unsigned long long)s->dropped, (unsigned long long)s->missed,
		(unsigned long long)s->findings);
	fprintf(stderr, "  %-10s %-8s %10s %8s %8s\n", "probe", "via", "delivered", "dropped", "missed");
	for (int i = 0; i < s->nr_probes; i++)
		fprintf(stderr, "  %-10s %-8s %10llu %8llu %8llu\n", s->probes[i].name,
			s->probes[i].via, (unsigned long long)s->probes[i].delivered,
			(unsigned long long)s->probes[i].dropped, (unsigned long long)s->probes[i].missed);
}

static void text_finding(struct sink *sink, const struct finding *finding)
{
	line__write(&sink__lines, sink->out);
	finding__print_text(sink->out, finding, sink->symbols);
}

const struct sink_ops sink_text = {
	text_start, text_record, text_finding, text_end, sink__flush
};
