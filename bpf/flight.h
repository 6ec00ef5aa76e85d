/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercall batches: from their flush to their record.
 *
 * The kernel gathers hypercalls in a per-CPU buffer of 32 entries and issues
 * them in xen_mc_flush().  A batch with pins or unpins is in flight from there
 * to the CPU's next flush:
 *
 * - on the way in, at the tracepoint in that function, the batch is complete:
 *   it is decoded and its record reserved, so that it has its place in time;
 * - on the way out the time is taken, where such batches come by: in
 *   xen_pte_unlock(), the flush's own callback for each L1 table of a tree, and
 *   at the return of xen_alloc_pte() and xen_release_pte() for a single table;
 * - at the next flush the entries still carry Xen's results, as only a
 *   hypercall writes them: the record lands.  That is soon, for each switch of
 *   tasks is a flush.
 *
 * xen_mc_flush() itself is not patched, by fentry, fexit or kprobe: the kernel
 * patches text through a temporary mm, under Xen PV a switch of mm is a flush,
 * and so the function would be entered while its first bytes are a breakpoint.
 */
#ifndef XENPIN_BPF_FLIGHT_H
#define XENPIN_BPF_FLIGHT_H

#include "batch.h"

/* The batch in flight is over: its record is completed and becomes visible. */
static __always_inline void flight__land(const struct mc_buffer *b, struct flight *flight)
{
	__u32 cpu, seq = flight->seq;
	__u64 nops = flight->nops;
	struct xp_ring *ring = ring__this_cpu(&cpu);
	struct xp_record *rec;
	__u64 any = 0;

	flight->seq = 0;
	if (!ring || !nops || nops > XP_OPS_MAX)
		return;
	batch__results(b, flight->entries, flight->mask, &any);
	if (any || flight->entries > FAST_ENTRIES)
		flight__spread_results(flight);
	rec = ring__at(ring, seq);
	rec->u.batch.latency_ns = flight->end ? flight->end - flight->begin : XP_NO_TIME;
	nops = bounded(nops, XP_OPS_MAX);
	bpf_probe_read_kernel(record__body(rec), nops * sizeof(struct xp_op), flight->ops);
	ring__commit(rec, seq);
}

/* A batch with pins is about to be issued: its record gets its place and its time. */
static __always_inline void flight__begin(void *ctx, struct flight *flight)
{
	struct xp_event ev = {
		.kind = XP_BATCH,
		.probe = XP_PROBE_FLUSH,
		.flags = XP_F_RESULT,
	};
	__u32 seq, nops = flight->nops;
	struct xp_record *rec;

	if (!nops || nops > XP_OPS_MAX)
		return;
	rec = record__begin(ev, record__slots(nops * sizeof(struct xp_op)), &seq);
	if (!rec)
		return;
	rec->u.batch.entries = flight->entries;
	rec->u.batch.nops = nops;
	record__stack(ctx, rec, 0);
	flight->seq = seq;
	flight->end = 0;
	flight->begin = bpf_ktime_get_ns();
}

/* All mmuext operations of the batch; false when there are none. */
static __always_inline bool flight__read(struct flight *flight, const struct mc_buffer *b,
					 __u32 entries)
{
	struct survey s = {};
	__u64 args;

	/* Through memory: the verifier lets nobody calculate with a pointer. */
	WRITE_ONCE(flight->buffer, (__u64)b);
	flight->entries = entries;
	if (entries > FAST_ENTRIES) {
		flight->mask = 0;
		bpf_loop(entries, survey_step, &flight, 0);
		batch__collect(flight);
		return flight->nraw;
	}
	args = READ_ONCE(flight->buffer) + bpf_core_field_offset(struct mc_buffer, args);
	batch__survey(b, entries, args, flight->count, &s);
	if (!s.nops)
		return false;
	flight->mask = s.mask;
	flight->nraw = s.nops;
	if (s.gap || s.nops > FAST_OPS)
		batch__collect(flight);
	else
		batch__copy(b, s.nops, flight->raw);
	return true;
}

/* A flush begins.  A batch that is in flight lands, whether or not the trace is armed. */
static __always_inline int on_flush(void *ctx, __u32 entries)
{
	const struct mc_buffer *b = mc_buffer__this_cpu();
	struct flight *flight = flight__this_cpu();

	if (!flight)
		return 0;
	if (flight->seq)
		flight__land(b, flight);
	if (!armed || batch__is_plain(b, entries) || !filter__task() ||
	    !flight__read(flight, b, entries))
		return 0;
	batch__decode(flight);
	flight__begin(ctx, flight);
	return 0;
}

/*
 * A flush may have ended.  The function of a @single table is left by tables that needed no
 * hypercall, too, so there the batch in flight must have one operation: a tree has two L4 tables
 * at least.  A buffer that is being filled again was not flushed here.
 */
static __always_inline int on_flushed(bool single)
{
	struct flight *flight = flight__this_cpu();
	unsigned int filled;
	__u64 at;

	if (!flight || !flight->seq || flight->end || (single && flight->nraw != 1))
		return 0;
	at = flight->buffer + bpf_core_field_offset(struct mc_buffer, mcidx);
	if (bpf_probe_read_kernel(&filled, sizeof(filled), (void *)at) || filled)
		return 0;
	flight->end = bpf_ktime_get_ns();
	return 0;
}

#endif
