// SPDX-License-Identifier: GPL-2.0-only
/*
 * A report as a trace for Perfetto: flushes on a track of their CPU and on one
 * of their process, pinned tables as counters, findings and losses as instants.
 *
 * A trace is a sequence of packets, so each is written as it comes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "record/hypercalls.h"
#include "record/records.h"
#include "record/sink.h"
#include "perfetto.pb-c.h"
#include "report.h"

typedef Perfetto__Protos__Trace Trace;
typedef Perfetto__Protos__TracePacket Packet;
typedef Perfetto__Protos__TrackDescriptor Track;
typedef Perfetto__Protos__TrackEvent Event;
typedef Perfetto__Protos__DebugAnnotation Annotation;

#define TYPE(name) PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_##name

/* Track numbers: those of CPUs and processes follow these. */
enum { TRACK_FINDINGS = 1, TRACK_PINNED, TRACK_TABLES, TRACK_CPUS = 0x100 };
#define TRACK_PROCESSES (1ULL << 32)

#define CPUS 65536
#define ANNOTATIONS 4

struct writer {
	FILE *out;
	uint8_t *buffer;		/* owned */
	size_t size;
	bool cpus[CPUS];		/* their tracks exist */
	uint32_t *processes;		/* owned: pids whose tracks exist, a hash set */
	size_t nr_processes, max_processes;
	int64_t pinned, tables;
	int err;
};

static void put(struct writer *w, Packet *packet)
{
	Trace trace = PERFETTO__PROTOS__TRACE__INIT;
	Packet *packets[] = { packet };
	size_t size;

	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = 1;
	trace.n_packet = 1;
	trace.packet = packets;
	size = perfetto__protos__trace__get_packed_size(&trace);
	if (size > w->size) {
		free(w->buffer);
		w->buffer = malloc(size * 2);
		w->size = w->buffer ? size * 2 : 0;
		if (!w->buffer) {
			w->err = -ENOMEM;
			return;
		}
	}
	fwrite(w->buffer, 1, perfetto__protos__trace__pack(&trace, w->buffer), w->out);
}

static void put_track(struct writer *w, Track *track)
{
	Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;

	track->has_uuid = true;
	packet.track_descriptor = track;
	put(w, &packet);
}

static void put_event(struct writer *w, uint64_t t, uint64_t track, int type, Event *event)
{
	Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;

	event->has_track_uuid = true;
	event->track_uuid = track;
	event->has_type = true;
	event->type = type;
	packet.has_timestamp = true;
	packet.timestamp = t;
	packet.track_event = event;
	put(w, &packet);
}

static void put_counter(struct writer *w, uint64_t t, uint64_t track, int64_t value)
{
	Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;

	event.has_counter_value = true;
	event.counter_value = value;
	put_event(w, t, track, TYPE(COUNTER), &event);
}

static void put_counter_track(struct writer *w, uint64_t uuid, char *name)
{
	Perfetto__Protos__CounterDescriptor counter = PERFETTO__PROTOS__COUNTER_DESCRIPTOR__INIT;
	Track track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;

	track.uuid = uuid;
	track.name = name;
	track.counter = &counter;
	put_track(w, &track);
}

static uint64_t cpu_track(struct writer *w, uint16_t cpu)
{
	Track track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	char name[16];

	if (!w->cpus[cpu]) {
		w->cpus[cpu] = true;
		snprintf(name, sizeof(name), "CPU %u", cpu);
		track.uuid = TRACK_CPUS + cpu;
		track.name = name;
		put_track(w, &track);
	}
	return TRACK_CPUS + cpu;
}

/* Protobuf's strings are UTF-8, names of tasks are bytes. */
static void copy_name(char name[XP_COMM_LEN + 1], const char *comm)
{
	snprintf(name, XP_COMM_LEN + 1, "%.*s", XP_COMM_LEN, comm);
	for (; *name; name++)
		if (*name & 0x80)
			*name = '?';
}

static bool is_new(struct writer *w, uint32_t pid)
{
	size_t at;

	if (w->nr_processes * 2 >= w->max_processes) {
		size_t more = w->max_processes * 2 ?: 1024;
		uint32_t *bigger = calloc(more, sizeof(*bigger));

		if (!bigger) {
			w->err = -ENOMEM;
			return false;
		}
		for (size_t i = 0; i < w->max_processes; i++) {
			at = w->processes[i] & (more - 1);
			while (w->processes[i] && bigger[at])
				at = (at + 1) & (more - 1);
			if (w->processes[i])
				bigger[at] = w->processes[i];
		}
		free(w->processes);
		w->processes = bigger;
		w->max_processes = more;
	}
	at = pid & (w->max_processes - 1);
	while (w->processes[at] && w->processes[at] != pid)
		at = (at + 1) & (w->max_processes - 1);
	if (w->processes[at] == pid)
		return false;
	w->processes[at] = pid;
	w->nr_processes++;
	return true;
}

static uint64_t process_track(struct writer *w, const struct xp_record *rec)
{
	Perfetto__Protos__ProcessDescriptor process = PERFETTO__PROTOS__PROCESS_DESCRIPTOR__INIT;
	Track track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	char name[XP_COMM_LEN + 1];

	if (rec->pid && is_new(w, rec->pid)) {
		copy_name(name, rec->comm);
		process.has_pid = true;
		process.pid = rec->pid;
		process.process_name = name;
		track.uuid = TRACK_PROCESSES + rec->pid;
		track.process = &process;
		put_track(w, &track);
	}
	return TRACK_PROCESSES + rec->pid;
}

static void put_slice(struct writer *w, const struct xp_record *rec, uint64_t track, char *name)
{
	Event begin = PERFETTO__PROTOS__TRACK_EVENT__INIT, end = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	Annotation entries = PERFETTO__PROTOS__DEBUG_ANNOTATION__INIT;
	Annotation *annotations[] = { &entries };
	uint64_t latency = rec->u.batch.latency_ns;
	char *categories[] = { "batch" };

	entries.name = "entries";
	entries.has_uint_value = true;
	entries.uint_value = rec->u.batch.entries;
	begin.n_debug_annotations = 1;
	begin.debug_annotations = annotations;
	begin.n_categories = 1;
	begin.categories = categories;
	begin.name = name;
	/* The time of a record is that of its flush's begin. */
	put_event(w, rec->t, track, TYPE(SLICE_BEGIN), &begin);
	put_event(w, rec->t + (latency == XP_NO_TIME ? 0 : latency), track, TYPE(SLICE_END), &end);
}

static void put_batch(struct writer *w, const struct xp_record *rec)
{
	const struct xp_op *op = record__ops(rec);
	unsigned int pins = 0, unpins = 0;
	char name[80], comm[XP_COMM_LEN + 1];

	for (uint32_t i = 0; i < rec->u.batch.nops; i++, op++) {
		if (op->result)
			continue;
		pins += op->op == XP_OP_PIN;
		unpins += op->op == XP_OP_UNPIN;
	}
	copy_name(comm, rec->comm);
	snprintf(name, sizeof(name), "%s: %u pins, %u unpins", comm, pins, unpins);
	put_slice(w, rec, cpu_track(w, rec->cpu), name);
	put_slice(w, rec, process_track(w, rec), name + strlen(comm) + 2);
	w->pinned += pins;
	w->pinned -= unpins;
	put_counter(w, rec->t, TRACK_PINNED, w->pinned);
}

static void put_refused(struct writer *w, const struct xp_record *rec)
{
	Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	char *categories[] = { "refused" };
	char name[16 + REFUSED_WORDS] = "refused: ";

	refused__in_words(&rec->u.refused, name + strlen(name));
	event.name = name;
	event.n_categories = 1;
	event.categories = categories;
	put_event(w, rec->t, cpu_track(w, rec->cpu), TYPE(INSTANT), &event);
	put_event(w, rec->t, process_track(w, rec), TYPE(INSTANT), &event);
}

static void put_dropped(struct writer *w, const struct xp_record *rec)
{
	Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	char *categories[] = { "dropped" };
	char name[80];

	snprintf(name, sizeof(name), "%" PRIu64 " records of %s dropped", (uint64_t)rec->u.dropped.count,
		 record__probe_name(rec->u.dropped.probe));
	event.name = name;
	event.n_categories = 1;
	event.categories = categories;
	put_event(w, rec->t, cpu_track(w, rec->cpu), TYPE(INSTANT), &event);
}

static void on_record(void *context, struct xp_record *rec)
{
	struct writer *w = context;

	switch (rec->kind) {
	case XP_DROPPED:
		if (!record__ends_gap(rec))
			put_dropped(w, rec);
		break;
	case XP_BATCH:
		put_batch(w, rec);
		break;
	case XP_REFUSED:
		put_refused(w, rec);
		break;
	case XP_TABLE_ALLOC:
		put_counter(w, rec->t, TRACK_TABLES, ++w->tables);
		break;
	case XP_TABLE_RELEASE:
		put_counter(w, rec->t, TRACK_TABLES, --w->tables);
		break;
	}
}

static void put_finding(struct writer *w, const struct finding *f)
{
	Annotation list[ANNOTATIONS], *annotations[ANNOTATIONS];
	Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;
	char *categories[] = { "finding" };
	char text[400], pfn[24];

	finding__text(f, text, sizeof(text));
	for (char *p = text; *p; p++)
		if (*p & 0x80)
			*p = '?';
	snprintf(pfn, sizeof(pfn), f->pfn == XP_NO_PFN ? "unknown" : "0x%" PRIx64, f->pfn);
	for (int i = 0; i < ANNOTATIONS; i++) {
		perfetto__protos__debug_annotation__init(&list[i]);
		annotations[i] = &list[i];
	}
	list[0].name = "pfn";
	list[0].string_value = pfn;
	list[1].name = "grade";
	list[1].string_value = (char *)finding__grade(f);
	list[2].name = "text";
	list[2].string_value = text;
	list[3].name = "effect";
	list[3].string_value = (char *)finding__effect(f);
	event.name = (char *)finding__class(f);
	event.n_categories = 1;
	event.categories = categories;
	event.n_debug_annotations = ANNOTATIONS;
	event.debug_annotations = annotations;
	put_event(w, f->t, TRACK_FINDINGS, TYPE(INSTANT), &event);
}

int report__perfetto(struct report *r, FILE *out)
{
	Track findings = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
	struct writer *w = calloc(1, sizeof(*w));
	struct recording *again;
	char why[RECORDING_WHY];
	int err;

	if (!w)
		return -ENOMEM;
	w->out = out;
	findings.uuid = TRACK_FINDINGS;
	findings.name = "findings";
	put_track(w, &findings);
	put_counter_track(w, TRACK_PINNED, "explicitly pinned, since the recording began");
	put_counter_track(w, TRACK_TABLES, "page tables, since the recording began");
	err = recording__open(&again, r->path, why);
	if (!err) {
		recording__read(again, on_record, w, why);
		recording__close(again);
	}
	for (size_t i = 0; i < r->nr_findings; i++)
		put_finding(w, &r->findings[i]);
	err = err ?: w->err;
	free(w->processes);
	free(w->buffer);
	free(w);
	return err;
}
