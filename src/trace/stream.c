// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the per-CPU rings as one stream.
 *
 * A CPU's records come in its own order; the stream is ordered by time.  A
 * record may be handed over when nothing older can still appear: time is taken
 * after a slot was reserved, so whatever appears after this drain looked at a
 * ring's head is younger than the clock before it looked.  A slot that is
 * reserved but not yet written holds back everything younger than the record
 * before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/config.h"
#include "base/grow.h"
#include "stream.h"

/*
 * BPF's clock is the kernel's "fast" monotonic one, which can step back by the
 * error of one clock update; wait for longer than that.
 */
#define MARGIN_NS	1000000

struct cpu {
	struct xp_ring *ring;
	uint64_t next;		/* slot */
	uint64_t last_t;	/* of the youngest record read */
	uint64_t half;		/* slot that was reserved and not yet written, when last read; or ~0 */
	bool stuck;		/* and the time before, too */
	uint64_t told[XP_PROBES_MAX];	/* of what was dropped, so much an XP_DROPPED record said */
	uint16_t gap;		/* probes, as bits, of a gap whose end nobody told yet */
};

/* A record in the arena, waiting to be handed over. */
struct item {
	uint64_t t;
	size_t at;
};

struct stream {
	struct cpu *cpus;
	int nr_cpus;
	uint32_t slots;		/* per ring, a power of two */
	uint8_t *arena;
	size_t arena_len, arena_size;
	struct item *items;
	struct item *merged;	/* as large */
	size_t nr_items, max_items;
	uint64_t reached;	/* time until which all was handed over */
	uint64_t gap_end;	/* of the last one that was told */
};

struct stream *stream__new(void *rings, size_t stride, int nr_cpus, uint32_t slots)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->cpus = calloc(nr_cpus, sizeof(*s->cpus));
	if (!s->cpus) {
		free(s);
		return NULL;
	}
	s->nr_cpus = nr_cpus;
	s->slots = slots;
	for (int i = 0; i < nr_cpus; i++) {
		struct xp_ring *ring = rings + stride * i;

		s->cpus[i] = (struct cpu){ .ring = ring, .next = ring->tail, .half = UINT64_MAX };
	}
	return s;
}

void stream__free(struct stream *s)
{
	if (!s)
		return;
	free(s->cpus);
	free(s->arena);
	free(s->items);
	free(s->merged);
	free(s);
}

static int make_room(struct stream *s)
{
	size_t max = s->max_items;
	struct item *merged;

	if (GROW(s->items, s->nr_items, s->max_items, 1024))
		return -ENOMEM;
	if (s->max_items == max)
		return 0;
	merged = reallocarray(s->merged, s->max_items, sizeof(*merged));
	if (merged)
		s->merged = merged;
	else
		s->max_items = max;
	return merged ? 0 : -ENOMEM;
}

static int keep(struct stream *s, const struct xp_record *rec)
{
	size_t size = rec->nslots * XP_SLOT;

	if (s->arena_len + size > s->arena_size) {
		size_t bigger = s->arena_size * 2 ?: 1 << 16;
		void *p = realloc(s->arena, bigger);

		if (!p)
			return -ENOMEM;
		s->arena = p;
		s->arena_size = bigger;
	}
	if (make_room(s))
		return -ENOMEM;
	memcpy(s->arena + s->arena_len, rec, size);
	s->items[s->nr_items++] = (struct item){ rec->t, s->arena_len };
	s->arena_len += size;
	return 0;
}

/* Every slot that is given back must not look like a record before it is one again. */
static void forget(struct stream *s, struct cpu *cpu, const struct xp_record *rec)
{
	uint32_t first = cpu->next & (s->slots - 1), n = rec->nslots;

	for (uint32_t i = first; i < first + n && i < s->slots; i++)
		*(uint32_t *)(cpu->ring->slots + i * XP_SLOT) = 0;
	cpu->next += n;
}

static int tell(struct stream *s, struct cpu *cpu, uint64_t t, int probe, uint64_t count)
{
	struct xp_record rec = {
		.kind = XP_DROPPED, .nslots = 1, .cpu = cpu - s->cpus, .t = t,
		.u.dropped = { .probe = probe, .count = count },
	};

	return keep(s, &rec);
}

/* Losses that nobody told yet, as records at time @t. */
static int tell_losses(struct stream *s, struct cpu *cpu, uint64_t t)
{
	int err = 0;

	for (int p = 0; !err && p < XP_PROBES_MAX; p++) {
		uint64_t count = cpu->ring->dropped[p] - cpu->told[p];

		if (!count)
			continue;
		err = tell(s, cpu, t, p, count);
		cpu->told[p] += count;
		cpu->gap |= 1U << p;
	}
	return err;
}

/* The gaps that were told end at @t. */
static int tell_end(struct stream *s, struct cpu *cpu, uint64_t t)
{
	int err = 0;

	for (int p = 0; !err && p < XP_PROBES_MAX; p++)
		if (cpu->gap >> p & 1)
			err = tell(s, cpu, t, p, 0);
	cpu->gap = 0;
	return err;
}

/* When a gap begins that is not told yet: what was handed over is older, and what was read. */
static uint64_t gap_begin(const struct stream *s, const struct cpu *cpu)
{
	return cpu->last_t > s->reached ? cpu->last_t : s->reached;
}

/*
 * Rings that were opened by an earlier drain and still are: what they dropped, they dropped
 * before now.  Meanwhile other CPUs went on, and what they told is in doubt, too.
 */
static int end_gaps(struct stream *s, uint64_t now)
{
	int err = 0;

	for (int i = 0; !err && i < s->nr_cpus; i++) {
		struct cpu *cpu = &s->cpus[i];

		if (!cpu->gap || __atomic_load_n(&cpu->ring->closed, __ATOMIC_ACQUIRE))
			continue;
		err = tell_losses(s, cpu, now) ?: tell_end(s, cpu, now);
		s->gap_end = now;
	}
	return err;
}

/* The head of a closed ring stands still: when all before it was read, here the gap begins. */
static int open_ring(struct stream *s, struct cpu *cpu)
{
	if (!__atomic_load_n(&cpu->ring->closed, __ATOMIC_ACQUIRE) ||
	    __atomic_load_n(&cpu->ring->head, __ATOMIC_ACQUIRE) != cpu->next)
		return 0;
	__atomic_store_n(&cpu->ring->closed, 0, __ATOMIC_SEQ_CST);
	return tell_losses(s, cpu, gap_begin(s, cpu));
}

/* As bpf/ring.h has it. */
static uint32_t seq_of(uint64_t slot)
{
	return (uint32_t)(slot + 1) | XP_SEQ_WRITTEN;
}

/*
 * Take what is complete on one CPU.  Returns 1 when a half-written record
 * follows, 0 when nothing does, or -errno.
 */
static int read_cpu(struct stream *s, struct cpu *cpu, int *fill)
{
	uint64_t head = __atomic_load_n(&cpu->ring->head, __ATOMIC_ACQUIRE);
	int percent = (head - cpu->next) * 100 / s->slots, err, half = 0;

	if (percent > *fill)
		*fill = percent;
	while (cpu->next < head) {
		struct xp_record *rec = (void *)cpu->ring->slots +
					(cpu->next & (s->slots - 1)) * XP_SLOT;

		if (__atomic_load_n(&rec->seq, __ATOMIC_ACQUIRE) != seq_of(cpu->next)) {
			half = 1;
			break;
		}
		err = keep(s, rec);
		if (err)
			return err;
		cpu->last_t = rec->t;
		forget(s, cpu, rec);
	}
	__atomic_store_n(&cpu->ring->tail, cpu->next, __ATOMIC_RELEASE);
	cpu->stuck = half && cpu->half == cpu->next;
	cpu->half = half ? cpu->next : UINT64_MAX;
	return half ?: open_ring(s, cpu);
}

/* Behind the run of items in order that begins at @at. */
static size_t run_end(const struct item *items, size_t at, size_t nr)
{
	do
		at++;
	while (at < nr && items[at].t >= items[at - 1].t);
	return at;
}

/* Two runs that follow one another, [@a, @b) and [@b, @end); of equals the one that was read first. */
static void merge(struct item *to, const struct item *from, size_t a, size_t b, size_t end)
{
	const size_t middle = b;

	for (size_t i = a; i < end; i++) {
		bool second = a == middle || (b < end && from[b].t < from[a].t);

		to[i] = from[second ? b++ : a++];
	}
}

/* Each CPU's records are a run in order: neighbours are merged until one is left. */
static void sort_items(struct stream *s)
{
	/* On one CPU, and mostly on an idle machine, that is so already. */
	while (s->nr_items && run_end(s->items, 0, s->nr_items) < s->nr_items) {
		struct item *from = s->items;
		size_t at = 0;

		while (at < s->nr_items) {
			size_t middle = run_end(from, at, s->nr_items);
			size_t end = middle < s->nr_items ? run_end(from, middle, s->nr_items) : middle;

			merge(s->merged, from, at, middle, end);
			at = end;
		}
		s->items = s->merged;
		s->merged = from;
	}
}

/* Hand over what is not younger than @until, and close the gap it leaves. */
static void hand_over(struct stream *s, uint64_t until, record_fn fn, void *context)
{
	size_t n, kept = 0, len = 0;

	sort_items(s);
	for (n = 0; n < s->nr_items && s->items[n].t <= until; n++)
		fn(context, (void *)(s->arena + s->items[n].at));
	if (n == s->nr_items) {
		s->nr_items = s->arena_len = 0;
		return;
	}
	/* What stays is little: move it to the front, in the arena's order. */
	for (size_t at = 0; at < s->arena_len;) {
		struct xp_record *rec = (void *)(s->arena + at);
		size_t size = rec->nslots * XP_SLOT;

		if (rec->t > until) {
			s->items[kept++] = (struct item){ rec->t, len };
			memmove(s->arena + len, rec, size);
			len += size;
		}
		at += size;
	}
	s->nr_items = kept;
	s->arena_len = len;
}

int stream__drain(struct stream *s, uint64_t now, record_fn fn, void *context)
{
	uint64_t until = now > MARGIN_NS ? now - MARGIN_NS : 0;
	int fill = 0, err = end_gaps(s, now);

	if (err)
		return err;
	for (int i = 0; i < s->nr_cpus; i++) {
		int half = read_cpu(s, &s->cpus[i], &fill);

		if (half < 0)
			return half;
		if (half && s->cpus[i].last_t < until)
			until = s->cpus[i].last_t;
	}
	hand_over(s, until, fn, context);
	if (until > s->reached)
		s->reached = until;
	return fill;
}

uint64_t stream__reached(const struct stream *s)
{
	return s->reached;
}

bool stream__in_gap(const struct stream *s)
{
	for (int i = 0; i < s->nr_cpus; i++)
		if (s->cpus[i].gap)
			return true;
	return s->gap_end > s->reached;
}

bool stream__stuck(const struct stream *s, int cpu)
{
	return s->cpus[cpu].stuck;
}

int stream__settle(struct stream *s)
{
	int half = 0, fill = 0;

	for (int i = 0; i < s->nr_cpus; i++) {
		int err = read_cpu(s, &s->cpus[i], &fill);

		if (err < 0)
			return err;
		half |= err;
	}
	return half;
}

int stream__end(struct stream *s, uint64_t now, record_fn fn, void *context)
{
	int err = 0;

	for (int i = 0; !err && i < s->nr_cpus; i++)
		err = tell_losses(s, &s->cpus[i], gap_begin(s, &s->cpus[i])) ?:
		      tell_end(s, &s->cpus[i], now);
	hand_over(s, UINT64_MAX, fn, context);
	return err;
}
