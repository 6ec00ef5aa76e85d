// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON lines: docs/records.schema.json.
 *
 * What is rare is built with jansson.  Records come by the hundred thousand,
 * and a tree of allocated values for each costs more than the workload that is
 * traced (make bench): their lines are templates in which only numbers and
 * strings that jansson escaped are filled in.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/config.h"
#include "guest/symbols.h"
#include "record/hypercalls.h"
#include "record/records.h"
#include "finding.h"
#include "json.h"
#include "sinks.h"

/* A number as a JSON string, in hex. */
void put_hex_string(struct line *l, uint64_t value)
{
	PUT(l, "\"");
	put_hex(l, value);
	PUT(l, "\"");
}

void put_bool(struct line *l, bool value)
{
	if (value)
		PUT(l, "true");
	else
		PUT(l, "false");
}

static size_t escape_comm(const char *comm, char *escaped, size_t size)
{
	json_t *string = json_comm(comm);
	size_t len = json_dumpb(string, escaped, size, JSON_ENCODE_ANY);

	json_decref(string);
	return len <= size ? len : 0;
}

/* The same few names come again and again. */
void put_comm(struct line *l, const char *comm)
{
	static struct {
		char comm[XP_COMM_LEN];
		char escaped[6 * XP_COMM_LEN + 2];	/* \u00XX each */
		size_t len;
	} cache[64];
	uint64_t key[2];
	unsigned int i;

	memcpy(key, comm, sizeof(key));
	i = (key[0] ^ key[1]) * 0x9e3779b97f4a7c15ULL >> 58;
	if (!cache[i].len || memcmp(cache[i].comm, comm, XP_COMM_LEN)) {
		memcpy(cache[i].comm, comm, XP_COMM_LEN);
		cache[i].len = escape_comm(comm, cache[i].escaped, sizeof(cache[i].escaped));
	}
	put(l, cache[i].escaped, cache[i].len);
}

/* ,"cpu":C,"pid":P,"comm":"NAME": records of a task come one after the other. */
static void put_task(struct line *l, const struct xp_record *rec)
{
	static struct {
		uint32_t pid;
		uint16_t cpu;
		char comm[XP_COMM_LEN];
		char text[64 + 6 * XP_COMM_LEN];
		size_t len;
	} last;

	if (last.pid != rec->pid || last.cpu != rec->cpu || !last.len ||
	    memcmp(last.comm, rec->comm, XP_COMM_LEN)) {
		const char *begin = l->at;

		PUT(l, ",\"cpu\":");
		put_dec(l, rec->cpu);
		PUT(l, ",\"pid\":");
		put_dec(l, rec->pid);
		PUT(l, ",\"comm\":");
		put_comm(l, rec->comm);
		last.pid = rec->pid;
		last.cpu = rec->cpu;
		memcpy(last.comm, rec->comm, XP_COMM_LEN);
		last.len = l->at - begin;
		memcpy(last.text, begin, last.len);
		return;
	}
	put(l, last.text, last.len);
}

/* Inlined, so that the length of a literal is a constant. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Records come within the same millisecond as the one before: its digits stay. */
ALWAYS_INLINE void put_time(struct line *l, uint64_t t)
{
	static struct {
		uint64_t ms;
		char digits[DIGITS_MAX];
		size_t len;
	} last;
	uint64_t ms = t / 1000000;
	const char *begin = l->at;

	if (!ms) {
		put_dec(l, t);
		return;
	}
	if (ms == last.ms) {
		put_digits(l, last.digits, last.len);
	} else {
		put_dec(l, ms);
		last.ms = ms;
		last.len = l->at - begin;
		memcpy(last.digits, begin, DIGITS_MAX);
	}
	put_dec_padded(l, t % 1000000, 6, '0');
}

ALWAYS_INLINE void put_begin(struct line *l, const char *type, const struct xp_record *rec)
{
	PUT(l, JSON_BEGIN "\"type\":\"");
	put_string(l, type);
	PUT(l, "\",\"t\":");
	put_time(l, rec->t);
}

ALWAYS_INLINE void put_head(struct line *l, const char *type, const struct xp_record *rec)
{
	put_begin(l, type, rec);
	put_task(l, rec);
}

/* ,"what":"alloc", copied by a constant length, of which .len counts. */
static const struct {
	char text[32];
	uint8_t len;
} whats[XP_KIND_END] = {
#define WHAT(what) ",\"what\":\"" what "\""
#define KIND(name, word, shape, what, ...) [XP_##name] = { WHAT(what), sizeof(WHAT(what)) - 1 },
#include "../../include/kinds.def"
};

ALWAYS_INLINE void put_what(struct line *l, const struct xp_record *rec)
{
	memcpy(l->at, whats[rec->kind].text, sizeof(whats->text));
	l->at += whats[rec->kind].len;
}

void put_ops_array(struct line *l, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);
	bool seen = rec->flags & XP_F_RESULT;

	PUT(l, ",\"ops\":[");
	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++) {
		if (i)
			PUT(l, ",");
		if (op->op == XP_OP_PIN)
			PUT(l, "{\"op\":\"pin\",\"level\":");
		else
			PUT(l, "{\"op\":\"unpin\",\"level\":");
		put_dec(l, op->level);
		PUT(l, ",\"mfn\":");
		put_hex_string(l, op->mfn);
		PUT(l, ",\"pfn\":");
		if (op->pfn == XP_NO_PFN)
			PUT(l, "null");
		else
			put_hex_string(l, op->pfn);
		PUT(l, ",\"result\":");
		if (seen)
			put_signed(l, op->result);
		else
			PUT(l, "null");
		PUT(l, "}");
	}
	PUT(l, "]");
}

static void put_batch(struct line *l, const struct xp_record *rec)
{
	put_head(l, "batch", rec);
	PUT(l, ",\"entries\":");
	put_dec(l, rec->u.batch.entries);
	PUT(l, ",\"latency_ns\":");
	if (rec->u.batch.latency_ns != XP_NO_TIME)
		put_dec(l, rec->u.batch.latency_ns);
	else
		PUT(l, "null");
	put_ops_array(l, rec);
}

/* An mm makes its tables one after the other. */
static void put_mm_string(struct line *l, uint64_t mm)
{
	static struct {
		uint64_t mm;
		char string[4 + DIGITS_MAX];	/* quotes and 0x */
		size_t len;
	} last;
	const char *begin = l->at;

	if (mm == last.mm && last.len) {
		memcpy(l->at, last.string, sizeof(last.string));
		l->at += last.len;
		return;
	}
	put_hex_string(l, mm);
	last.mm = mm;
	last.len = l->at - begin;
	memcpy(last.string, begin, sizeof(last.string));
}

/* Of a page without the flag; nobody looks at others. */
static void put_read_only(struct line *l, const struct xp_record *rec)
{
	PUT(l, ",\"read_only\":");
	if (rec->flags & XP_F_READONLY)
		PUT(l, "true");
	else
		PUT(l, "null");
}

static void put_table(struct line *l, const struct xp_record *rec)
{
	put_head(l, "table", rec);
	put_what(l, rec);
	PUT(l, ",\"pfn\":");
	put_hex_string(l, rec->u.table.pfn);
	PUT(l, ",\"level\":");
	put_dec(l, rec->level);
	PUT(l, ",\"mm\":");
	put_mm_string(l, rec->u.table.mm);
	PUT(l, ",\"pinned\":");
	put_bool(l, rec->flags & XP_F_PINNED);
	PUT(l, ",\"flag\":");
	if (rec->flags & XP_F_FLAG_KNOWN)
		put_bool(l, rec->flags & XP_F_FLAG);
	else
		PUT(l, "null");
	put_read_only(l, rec);
}

static void put_mm(struct line *l, const struct xp_record *rec)
{
	put_head(l, "mm", rec);
	put_what(l, rec);
	PUT(l, ",\"mm\":");
	put_mm_string(l, rec->u.mm.mm);
	PUT(l, ",\"pgd\":");
	put_hex_string(l, rec->u.mm.pgd);
}

static void put_flag(struct line *l, const struct xp_record *rec)
{
	put_head(l, "flag", rec);
	put_what(l, rec);
	PUT(l, ",\"pfn\":");
	put_hex_string(l, rec->u.flag.pfn);
	PUT(l, ",\"level\":");
	put_dec(l, rec->level);
	PUT(l, ",\"exact\":");
	put_bool(l, !(rec->flags & XP_F_INFERRED));
	put_read_only(l, rec);
}

static void put_known_name(struct line *l, const char *name)
{
	if (!name) {
		PUT(l, "null");
		return;
	}
	PUT(l, "\"");
	put_string(l, name);
	PUT(l, "\"");
}

void put_refusal(struct line *l, const struct xp_record *rec)
{
	const struct xp_refused *r = &rec->u.refused;
	char error[24];

	PUT(l, ",\"op\":");
	put_known_name(l, hypercall__name(r->hypercall));
	PUT(l, ",\"command\":");
	put_known_name(l, refused__command(r));
	PUT(l, ",\"count\":");
	if (r->count != XP_NO_COUNT)
		put_dec(l, r->count);
	else
		PUT(l, "null");
	PUT(l, ",\"args\":[");
	for (unsigned int i = 0; i < refused__arguments(r); i++) {
		if (i)
			PUT(l, ",");
		put_hex_string(l, r->args[i]);
	}
	PUT(l, "],\"result\":");
	put_signed(l, r->result);
	PUT(l, ",\"error\":");
	put_known_name(l, error__name(r->result, error, sizeof(error)));
}

static void put_refused(struct line *l, const struct xp_record *rec)
{
	put_head(l, "refused", rec);
	put_refusal(l, rec);
}

static void put_dropped(struct line *l, const struct xp_record *rec)
{
	put_begin(l, "dropped", rec);
	PUT(l, ",\"cpu\":");
	put_dec(l, rec->cpu);
	PUT(l, ",\"probe\":\"");
	put_string(l, record__probe_name(rec->u.dropped.probe));
	PUT(l, "\",\"count\":");
	put_dec(l, rec->u.dropped.count);
}

/* No trace delivers a stage of boot: `boot --records` prints them (boot_records.c). */
#define put_boot NULL

static const put_fn put_kind[XP_KIND_END] = {
#define KIND(name, word, shape, ...) [XP_##name] = put_##shape,
#include "../../include/kinds.def"
};

static void print_stack(struct sink *sink, const __u64 *stack)
{
	json_t *frames = json_array();
	char *text;

	for (int i = 0; stack && i < XP_STACK_MAX && stack[i]; i++) {
		char frame[SYMBOL_LEN];

		if (symbols__name(sink->symbols, stack[i], frame, sizeof(frame)))
			json_array_append_new(frames, json_string(frame));
	}
	text = json_dumps(frames, JSON_COMPACT);
	fprintf(sink->out, ",\"stack\":%s", text ?: "[]");
	free(text);
	json_decref(frames);
}

static void json_record(struct sink *sink, const struct xp_record *rec)
{
	put_fn body = put_fn_of(put_kind, rec);

	if (!body || record__ends_gap(rec))
		return;
	body(&sink__lines, rec);
	if (sink->symbols && rec->kind != XP_DROPPED) {
		line__write(&sink__lines, sink->out);
		print_stack(sink, record__stack(rec));
	}
	PUT(&sink__lines, "}\n");
	line__write_full(&sink__lines, sink->out);
}

static void print_object(struct sink *sink, json_t *object)
{
	json_dumpf(object, sink->out, JSON_COMPACT);
	fputc('\n', sink->out);
	json_decref(object);
}

static void json_start(struct sink *sink, const struct session *s)
{
	json_t *probes = json_array();

	for (int i = 0; i < s->nr_probes; i++)
		json_array_append_new(probes, json_pack("{ssss}", "name", s->probes[i].name, "via",
						       s->probes[i].via));
	print_object(sink, json_pack("{sisssIsosssssi}", "schema", JSON_SCHEMA, "type", "start", "t",
				     (json_int_t)s->begin_ns, "probes", probes, "kernel",
				     s->platform->kernel, "domain",
				     s->platform->dom0 ? "dom0" : "domU", "vcpus",
				     s->platform->vcpus));
}

static void json_end(struct sink *sink, const struct session *s)
{
	json_t *probes = json_array();

	line__write(&sink__lines, sink->out);
	for (int i = 0; i < s->nr_probes; i++)
		json_array_append_new(probes, json_pack("{sssIsIsI}", "name", s->probes[i].name,
						       "delivered",
						       (json_int_t)s->probes[i].delivered, "dropped",
						       (json_int_t)s->probes[i].dropped, "missed",
						       (json_int_t)s->probes[i].missed));
	print_object(sink, json_pack("{sisssIsIsIsIsIsIso}", "schema", JSON_SCHEMA, "type", "end", "t",
				     (json_int_t)s->end_ns, "delivered", (json_int_t)s->delivered,
				     "dropped", (json_int_t)s->dropped, "missed", (json_int_t)s->missed,
				     "findings", (json_int_t)s->findings, "elapsed_ns",
				     (json_int_t)(s->end_ns - s->begin_ns), "probes", probes));
}

static void json_finding(struct sink *sink, const struct finding *finding)
{
	line__write(&sink__lines, sink->out);
	finding__print_json(sink->out, finding, sink->symbols);
}

const struct sink_ops sink_json = {
	json_start, json_record, json_finding, json_end, sink__flush
};
