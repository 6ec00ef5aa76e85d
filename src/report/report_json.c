// SPDX-License-Identifier: GPL-2.0-only
/* A report as data: docs/report.schema.json.  The page of --format html shows the same object. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/xenpin.h"
#include "output/finding.h"
#include "report.h"

#define CELLS 4096			/* of the map, at most */
#define PROGRAMS 50
#define STACKS 500

static const char *const verdicts[] = {
	[VERDICT_CLEAN] = "clean", [VERDICT_FINDING] = "finding",
	[VERDICT_INCOMPLETE] = "incomplete",
};

static json_t *hex(uint64_t n)
{
	return json_sprintf("0x%" PRIx64, n);
}

static json_t *hex_or_null(uint64_t n)
{
	return n == XP_NO_PFN ? json_null() : hex(n);
}

static json_t *integer(uint64_t n)
{
	return json_integer(n);
}

static json_t *verdict(const struct report *r)
{
	enum finding_class gravest = report__gravest(r);
	char headline[REPORT_HEADLINE], sentence[600];

	report__headline(r, headline);
	report__sentence(r, sentence, sizeof(sentence));
	return json_pack("{ssss?ssso}", "status", verdicts[r->verdict], "gravest",
			 gravest == FINDING_CLASSES ? NULL : finding_classes[gravest].word, "headline",
			 headline, "sentence", json_text(sentence, sizeof(sentence) - 1));
}

static json_t *probes_of(const struct session *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->nr_probes; i++)
		json_array_append_new(list, json_pack(
			"{sssssIsIsI}", "name", s->probes[i].name, "via", s->probes[i].via,
			"delivered", (json_int_t)s->probes[i].delivered,
			"dropped", (json_int_t)s->probes[i].dropped,
			"missed", (json_int_t)s->probes[i].missed));
	return list;
}

static json_t *recording_of(const struct report *r)
{
	const struct recording_info *info = r->info;
	const char *slash = strrchr(r->path, '/'), *file = slash ? slash + 1 : r->path;

	return json_pack("{so sssssi sIsIsI sIss so so}",
			 "file", json_text(file, strlen(file)),
			 "kernel", info->platform.kernel,
			 "domain", info->platform.dom0 ? "dom0" : "domU",
			 "vcpus", (int)info->platform.vcpus,
			 "begin_ns", (json_int_t)info->session.begin_ns,
			 "end_ns", (json_int_t)(*info->end ? info->session.end_ns :
							     r->account.last_t),
			 "realtime_offset_ns", (json_int_t)info->realtime_offset_ns,
			 "first_seq", (json_int_t)info->first_seq,
			 "end", *info->end ? info->end : r->running ? "running" : "killed",
			 "damage", *r->damage ? json_string(r->damage) : json_null(),
			 "probes", probes_of(&info->session));
}

static json_t *records_by_kind(const struct account *a)
{
	json_t *counts = json_object();

	for (int k = 1; k < XP_KIND_END; k++)
		json_object_set_new(counts, record_kinds[k].word, json_integer(a->records[k]));
	return counts;
}

static json_t *counts_of(const struct report *r)
{
	const struct account *a = &r->account;

	return json_pack("{so sIsIsI s[IIII] sIsIsIsIsI}",
			 "records", records_by_kind(a), "pins", (json_int_t)a->pins, "unpins", (json_int_t)a->unpins,
			 "failed", (json_int_t)a->failed,
			 "pins_of_level", (json_int_t)a->pins_of[XP_L1],
			 (json_int_t)a->pins_of[XP_L2], (json_int_t)a->pins_of[XP_L3],
			 (json_int_t)a->pins_of[XP_L4],
			 "dropped", (json_int_t)a->dropped_total, "missed", (json_int_t)r->missed,
			 "unjudged", (json_int_t)r->unjudged, "tables",
			 (json_int_t)pins__count(r->pins), "findings", (json_int_t)r->nr_findings);
}

/* As docs/records.schema.json has it: the innermost first. */
static json_t *stack_of(const struct report *r, const struct finding *f)
{
	json_t *names = json_array();
	char symbol[SYMBOL_LEN];

	for (int i = 0; i < XP_STACK_MAX && f->stack[i]; i++)
		if (report__symbol(r, f->stack[i], symbol))
			json_array_append_new(names, json_string(symbol));
	return names;
}

static json_t *meanwhile_of(const struct report *r, const struct finding *f)
{
	const struct meanwhile *m = report__meanwhile(r, f);
	json_t *tasks = json_array();

	for (int i = 0; m && i < m->nr; i++)
		json_array_append_new(tasks, json_pack("{sisosi}", "pid", (int)m->tasks[i].pid, "comm",
						       json_comm(m->tasks[i].comm), "records",
						       (int)m->tasks[i].records));
	return tasks;
}

static json_t *finding_object(const struct report *r, const struct finding *f)
{
	json_t *witnesses = json_array();
	int64_t sign = report__last_sign(r, f);
	char text[400];

	for (int i = 0; i < WITNESSES; i++)
		if (f->witnesses & 1 << i)
			json_array_append_new(witnesses, json_string(witness__name(1 << i)));
	finding__text(f, text, sizeof(text));
	return json_pack("{sIsssssosososisosisosIsoso sIssso so}", "t", (json_int_t)f->t,
			 "class", finding__class(f), "grade", finding__grade(f),
			 "witnesses", witnesses, "pfn", hex_or_null(f->pfn),
			 "mfn", hex_or_null(f->mfn), "level", f->level, "mm", hex(f->mm),
			 "pid", (int)f->pid, "comm", json_comm(f->comm),
			 "since", (json_int_t)f->since, "last_sign",
			 sign < 0 ? json_null() : json_integer(sign),
			 "meanwhile", meanwhile_of(r, f), "result",
			 (json_int_t)f->result, "effect", finding__effect(f),
			 "text", json_text(text, sizeof(text) - 1), "stack", stack_of(r, f));
}

static json_t *findings_of(const struct report *r, size_t max)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->nr_findings && i < max; i++)
		json_array_append_new(list, finding_object(r, &r->findings[i]));
	return list;
}

static json_t *history_object(const struct history *h)
{
	json_t *events = json_array();
	char text[200];

	for (size_t i = 0; i < h->nr; i++) {
		const struct xp_record *rec = &h->events[i].rec;

		event__text(&h->events[i], text, sizeof(text));
		json_array_append_new(events, json_pack("{sisIsisisoss}", "seq", (int)rec->seq, "t",
							(json_int_t)rec->t, "cpu", rec->cpu, "pid",
							(int)rec->pid, "comm", json_comm(rec->comm),
							"text", text));
	}
	return json_pack("{sosIso}", "pfn", hex(h->pfn), "total", (json_int_t)h->total, "events",
			 events);
}

static json_t *histories_of(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->nr_histories; i++)
		json_array_append_new(list, history_object(&r->histories[i]));
	return list;
}

static json_t *programs_of(const struct account *a)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->nr_programs && i < PROGRAMS; i++) {
		const struct program *p = &a->programs[i];

		json_array_append_new(list, json_pack(
			"{sosisi sIsIsIsIsIsI sIsI}", "comm", json_comm(p->comm),
			"processes", (int)p->processes, "pid", (int)p->pid,
			"pins", (json_int_t)p->pins, "unpins", (json_int_t)p->unpins,
			"allocs", (json_int_t)p->allocs, "releases", (json_int_t)p->releases,
			"trees", (json_int_t)p->trees, "failed", (json_int_t)p->failed,
			"flushes", (json_int_t)p->flushes, "flush_ns", (json_int_t)p->flush_ns));
	}
	return list;
}

static json_t *weight_object(const struct stack_weight *w)
{
	return json_pack("{sIsIsIsI}", "operations", (json_int_t)w->operations,
			 "batches", (json_int_t)w->batches, "waited_ns", (json_int_t)w->waited_ns,
			 "unweighed", (json_int_t)w->unweighed);
}

static json_t *frames_of(const char *frames)
{
	json_t *list = json_array();

	for (size_t n; *frames; frames += n + (frames[n] == ';')) {
		n = strcspn(frames, ";");
		json_array_append_new(list, json_stringn(frames, n));
	}
	return list;
}

static json_t *stack_object(const struct folded *f)
{
	json_t *object = weight_object(&f->weight);

	json_object_set_new(object, "comm", json_comm(f->comm));
	json_object_set_new(object, "frames", frames_of(f->frames));
	return object;
}

static json_t *stacks_of(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->nr_folded && json_array_size(list) < STACKS; i++)
		if (*r->folded[i].frames)
			json_array_append_new(list, stack_object(&r->folded[i]));
	return list;
}

static json_t *stack_totals_of(const struct report *r)
{
	json_int_t nr = 0;

	for (size_t i = 0; i < r->nr_folded; i++)
		nr += *r->folded[i].frames != 0;
	return json_pack("{sIsososo}", "stacks", nr, "all", weight_object(&r->stacks.all),
			 "without", weight_object(&r->stacks.without),
			 "beyond", weight_object(&r->stacks.beyond));
}

static json_t *latency_of(const struct latencies *l)
{
	json_t *buckets = json_array();

	for (int i = 0; i < LATENCY_BUCKETS; i++)
		if (l->buckets[i])
			json_array_append_new(buckets, json_pack(
				"[II]", (json_int_t)latency__bucket_end(i),
				(json_int_t)l->buckets[i]));
	return json_pack("{sIsIsIsIsIsIso}", "count", (json_int_t)l->count,
			 "mean_ns", (json_int_t)(l->count ? l->sum / l->count : 0),
			 "p50_ns", (json_int_t)latency__percentile(l, 500),
			 "p90_ns", (json_int_t)latency__percentile(l, 900),
			 "p99_ns", (json_int_t)latency__percentile(l, 990),
			 "max_ns", (json_int_t)l->max, "buckets", buckets);
}

static json_t *series(const struct account *a, size_t offset)
{
	json_t *list = json_array();

	for (size_t i = 0; i < a->nr_slices; i++)
		json_array_append_new(list, integer(*(const uint32_t *)
						    ((const char *)&a->slices[i] + offset)));
	return list;
}

static json_t *rates_of(const struct account *a)
{
	return json_pack("{sIsI sososososo}", "t", (json_int_t)a->first_t,
			 "slice_ns", (json_int_t)a->slice_ns,
			 "pins", series(a, offsetof(struct slice, pins)),
			 "unpins", series(a, offsetof(struct slice, unpins)),
			 "allocs", series(a, offsetof(struct slice, allocs)),
			 "releases", series(a, offsetof(struct slice, releases)),
			 "dropped", series(a, offsetof(struct slice, dropped)));
}

/* Guest memory in cells of equally many frames; of each: tables by level, and unpinned ones. */
struct map {
	uint64_t cell;			/* frames, a power of two */
	struct cell {
		uint32_t levels[XP_L4 + 1], unpinned;
	} cells[CELLS];
};

static void raise_frames(void *context, const struct pin_state *state)
{
	uint64_t *frames = context;

	if (state->pfn >= *frames)
		*frames = state->pfn + 1;
}

static void add_to_map(void *context, const struct pin_state *state)
{
	struct map *map = context;
	uint64_t i = state->pfn / map->cell;

	if (i >= CELLS)
		return;
	map->cells[i].levels[state->level <= XP_L4 ? state->level : 0]++;
	if (state->xen == PIN_NOT)
		map->cells[i].unpinned++;
}

static json_t *memory_of(const struct report *r)
{
	uint64_t frames = r->account.max_pfn + 1;
	json_t *list = json_array();
	static struct map map;

	if (frames < r->info->frames)
		frames = r->info->frames;
	/* The recording may begin with tables that nobody touched since. */
	pins__each(r->pins, raise_frames, &frames);
	memset(&map, 0, sizeof(map));
	for (map.cell = 1; map.cell * CELLS < frames; map.cell *= 2)
		;
	pins__each(r->pins, add_to_map, &map);
	for (uint64_t i = 0; i < CELLS; i++) {
		const struct cell *c = &map.cells[i];

		if (c->levels[0] + c->levels[1] + c->levels[2] + c->levels[3] + c->levels[4])
			json_array_append_new(list, json_pack(
				"[iiiiiii]", (int)i, (int)c->levels[1], (int)c->levels[2],
				(int)c->levels[3], (int)c->levels[4], (int)c->levels[0],
				(int)c->unpinned));
	}
	return json_pack("{sIsIso}", "frames", (json_int_t)frames, "frames_per_cell",
			 (json_int_t)map.cell, "cells", list);
}

/* The object of `xenpin boot --json`, or null. */
static json_t *boot_of(const struct report *r)
{
	char *text = NULL;
	json_t *object;
	size_t size;
	FILE *out;

	if (!r->info->has_boot)
		return json_null();
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	boot_json__print(out, &r->boot_report);
	if (fclose(out))
		return NULL;
	object = json_loads(text, 0, NULL);
	free(text);
	return object;
}

json_t *report__object(struct report *r, size_t findings)
{
	return json_pack("{si ss so so so so so so so so so so so so}", "schema", JSON_SCHEMA, "type", "report",
			 "verdict", verdict(r), "recording", recording_of(r),
			 "counts", counts_of(r), "findings", findings_of(r, findings),
			 "histories", histories_of(r), "programs", programs_of(&r->account),
			 "stacks", stacks_of(r), "stack_totals", stack_totals_of(r),
			 "latency", latency_of(&r->account.latencies),
			 "rates", rates_of(&r->account), "memory", memory_of(r),
			 "boot", boot_of(r));
}

/* One at a time: as objects a million of them are 3 GB. */
static void put_findings(const struct report *r, FILE *out)
{
	const char *comma = "";

	putc('[', out);
	for (size_t i = 0; i < r->nr_findings; i++, comma = ",") {
		json_t *object = finding_object(r, &r->findings[i]);

		fputs(comma, out);
		json_dumpf(object, out, JSON_COMPACT);
		json_decref(object);
	}
	putc(']', out);
}

int report__json(struct report *r, FILE *out)
{
	json_t *object = report__object(r, 0), *value;
	const char *name, *comma = "{";

	if (!object)
		return -ENOMEM;
	json_object_foreach(object, name, value) {
		fprintf(out, "%s\"%s\":", comma, name);
		comma = ",";
		if (strcmp(name, "findings"))
			json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);
		else
			put_findings(r, out);
	}
	fputs("}\n", out);
	json_decref(object);
	return 0;
}
