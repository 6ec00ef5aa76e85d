// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replays a trace (JSON lines of `xenpin trace --json` on stdin) through the
 * model, and prints what it finds, one line each, then what remains.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/pins.h"
#include "record/records.h"

struct event {
	struct xp_record rec;
	struct xp_op ops[XP_OPS_MAX];
};

/* The type of a record's line is its shape's name. */
static const char *const shapes[SHAPES] = {
#define SHAPE(name, ...) [SHAPE_##name] = #name,
#include "../../include/kinds.def"
};

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static int64_t integer(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* A string in hex; ~0 for null. */
static uint64_t hex(const json_t *object, const char *key)
{
	const char *string = json_string_value(json_object_get(object, key));

	return string ? strtoull(string, NULL, 16) : XP_NO_PFN;
}

static uint8_t kind_of(const json_t *line)
{
	const char *type = text(line, "type"), *what = text(line, "what");

	for (int k = 1; k < XP_KIND_END; k++)
		if (!strcmp(shapes[record_shapes[k]], type) &&
		    (!*what || !strcmp(record_kinds[k].what, what)))
			return k;
	return 0;
}

static void read_ops(const json_t *line, struct event *e)
{
	const json_t *ops = json_object_get(line, "ops"), *op;
	size_t i;

	json_array_foreach(ops, i, op) {
		if (i == XP_OPS_MAX)
			break;
		e->rec.u.batch.nops++;
		e->ops[i] = (struct xp_op){
			.mfn = hex(op, "mfn"),
			.pfn = hex(op, "pfn"),
			.result = integer(op, "result"),
			.op = strcmp(text(op, "op"), "pin") ? XP_OP_UNPIN : XP_OP_PIN,
			.level = integer(op, "level"),
		};
		if (json_is_integer(json_object_get(op, "result")))
			e->rec.flags |= XP_F_RESULT;
	}
}

static void read_table(const json_t *line, struct xp_record *rec)
{
	const json_t *flag = json_object_get(line, "flag");

	rec->u.table.pfn = hex(line, "pfn");
	rec->u.table.mm = json_object_get(line, "mm") ? hex(line, "mm") : 0;
	if (json_is_true(json_object_get(line, "pinned")))
		rec->flags |= XP_F_PINNED;
	if (json_is_boolean(flag))
		rec->flags |= XP_F_FLAG_KNOWN | (json_is_true(flag) ? XP_F_FLAG : 0);
}

/* The pgd's frame stands in no field of its own: the direct map has no gaps. */
static void read_mm(const json_t *line, struct xp_record *rec)
{
	rec->u.mm.mm = hex(line, "mm");
	rec->u.mm.pgd = hex(line, "pgd");
	rec->u.mm.pgd_pfn = (rec->u.mm.pgd - 0xffff888000000000ULL) >> 12;
}

static void read_dropped(const json_t *line, struct xp_record *rec)
{
	rec->u.dropped.probe = record__probe_named(text(line, "probe"));
	rec->u.dropped.count = integer(line, "count");
}

/* False: nothing for the model. */
static bool read_event(const json_t *line, struct event *e)
{
	*e = (struct event){ .rec = { .kind = kind_of(line), .t = integer(line, "t"),
				      .cpu = integer(line, "cpu"), .pid = integer(line, "pid"),
				      .level = integer(line, "level") } };
	strncpy(e->rec.comm, text(line, "comm"), sizeof(e->rec.comm));
	switch (e->rec.kind) {
	case XP_DROPPED:
		read_dropped(line, &e->rec);
		return true;
	case XP_BATCH:
		read_ops(line, e);
		return true;
	case XP_MM_PIN:
	case XP_MM_UNPIN:
		e->rec.level = XP_L4;
		read_mm(line, &e->rec);
		return true;
	case XP_FLAG_SET:
	case XP_FLAG_CLEAR:
		read_table(line, &e->rec);
		return json_is_true(json_object_get(line, "exact"));
	default:
		read_table(line, &e->rec);
		return e->rec.kind;
	}
}

static void on_finding(void *context, const struct finding *f)
{
	char words[400];

	finding__text(f, words, sizeof(words));
	printf("%s, %s (%x): %s\n", finding__class(f), finding__grade(f), f->witnesses, words);
}

/* All lines of @in through @pins.  Returns how many records, or -1: something is no record. */
static int64_t replay(FILE *in, struct pins *pins)
{
	json_error_t error;
	int64_t records = 0;
	struct event e;
	json_t *line;

	while ((line = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error))) {
		if (read_event(line, &e)) {
			pins__complete(pins, &e.rec);
			if (pins__apply(pins, &e.rec))
				abort();
			records++;
		}
		json_decref(line);
	}
	if (json_error_code(&error) == json_error_premature_end_of_input)
		return records;
	fprintf(stderr, "replay: record %lld: %s\n", (long long)records, error.text);
	return -1;
}

int main(void)
{
	struct pins *pins = pins__new((struct pins_handlers){ .finding = on_finding });
	int64_t records = replay(stdin, pins);

	pins__confirm(pins);
	printf("%lld records, %u tables remain, %llu moments not judged\n", (long long)records,
	       pins__count(pins), (unsigned long long)pins__unjudged(pins));
	pins__free(pins);
	return records < 0;
}
