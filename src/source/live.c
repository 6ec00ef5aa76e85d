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
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "../../include/config.h"
#include "live.h"
#include "trace.skel.h"

#define PAGE 4096UL

/* How long a record may stay half written once the programs are detached. */
#define SETTLE_US	2000
#define SETTLE_TRIES	50

struct cpu {
	struct xp_ring *ring;
	uint64_t next;		/* slot */
	uint64_t last_t;	/* of the youngest record read */
};

/* A record in the arena, waiting to be handed over. */
struct item {
	uint64_t t;
	size_t at;
};

struct live {
	struct trace_bpf *skel;
	struct attachment at[HOOKS];
	struct cpu *cpus;
	int nr_cpus;
	uint32_t slots;		/* per ring, a power of two */
	void *map;
	size_t map_size;
	uint8_t *arena;
	size_t arena_len, arena_size;
	struct item *items;
	size_t nr_items, max_items;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int map_rings(struct live *live)
{
	const struct bpf_map *rings = live->skel->maps.rings;
	size_t each = (bpf_map__value_size(rings) + 7) & ~7UL;

	live->nr_cpus = bpf_map__max_entries(rings);
	live->slots = live->skel->rodata->config.ring_mask + 1;
	live->map_size = (each * live->nr_cpus + PAGE - 1) & ~(PAGE - 1);
	live->map = mmap(NULL, live->map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(rings), 0);
	if (live->map == MAP_FAILED)
		return -errno;
	live->cpus = calloc(live->nr_cpus, sizeof(*live->cpus));
	if (!live->cpus)
		return -ENOMEM;
	for (int i = 0; i < live->nr_cpus; i++)
		live->cpus[i].ring = live->map + each * i;
	return 0;
}

int live__open(struct live **out, const struct options *opts, char why[REASON_LEN])
{
	struct live *live = calloc(1, sizeof(*live));
	int err = -ENOMEM;

	if (!live)
		goto fail;
	live->map = MAP_FAILED;
	err = hooks__open(&live->skel, live->at, opts, !opts->dry_run, why);
	if (err) {
		free(live);
		return err;
	}
	err = map_rings(live);
	if (err)
		goto fail;
	*out = live;
	return 0;
fail:
	strcpy(why, strerror(-err));
	live__close(live);
	return err;
}

void live__close(struct live *live)
{
	if (!live)
		return;
	if (live->map != MAP_FAILED)
		munmap(live->map, live->map_size);
	hooks__close(live->skel, live->at);
	free(live->cpus);
	free(live->arena);
	free(live->items);
	free(live);
}

uint64_t live__arm(struct live *live)
{
	live->skel->bss->armed = 1;
	return now_ns();
}

const struct attachment *live__attachments(const struct live *live)
{
	return live->at;
}

uint64_t live__missed(const struct live *live, int hook)
{
	return hooks__missed(live->skel, live->at, hook);
}

static int keep(struct live *live, const struct xp_record *rec)
{
	size_t size = rec->nslots * XP_SLOT;

	if (live->arena_len + size > live->arena_size) {
		size_t bigger = live->arena_size * 2 ?: 1 << 16;
		void *p = realloc(live->arena, bigger);

		if (!p)
			return -ENOMEM;
		live->arena = p;
		live->arena_size = bigger;
	}
	if (live->nr_items == live->max_items) {
		size_t more = live->max_items * 2 ?: 1024;
		void *p = reallocarray(live->items, more, sizeof(*live->items));

		if (!p)
			return -ENOMEM;
		live->items = p;
		live->max_items = more;
	}
	memcpy(live->arena + live->arena_len, rec, size);
	live->items[live->nr_items++] = (struct item){ rec->t, live->arena_len };
	live->arena_len += size;
	return 0;
}

/* Every slot that is given back must not look like a record before it is one again. */
static void forget(struct live *live, struct cpu *cpu, const struct xp_record *rec)
{
	uint32_t first = cpu->next & (live->slots - 1), n = rec->nslots;

	for (uint32_t i = first; i < first + n && i < live->slots; i++)
		*(uint32_t *)(cpu->ring->slots + i * XP_SLOT) = 0;
	cpu->next += n;
}

/*
 * Take what is complete on one CPU.  Returns 1 when a half-written record
 * follows, 0 when nothing does, or -errno.
 */
static int read_cpu(struct live *live, struct cpu *cpu, int *fill)
{
	uint64_t head = __atomic_load_n(&cpu->ring->head, __ATOMIC_ACQUIRE);
	int percent = (head - cpu->next) * 100 / live->slots, err, half = 0;

	if (percent > *fill)
		*fill = percent;
	while (cpu->next < head) {
		struct xp_record *rec = (void *)cpu->ring->slots +
					(cpu->next & (live->slots - 1)) * XP_SLOT;

		if (__atomic_load_n(&rec->seq, __ATOMIC_ACQUIRE) != (uint32_t)(cpu->next + 1)) {
			half = 1;
			break;
		}
		err = keep(live, rec);
		if (err)
			return err;
		cpu->last_t = rec->t;
		forget(live, cpu, rec);
	}
	__atomic_store_n(&cpu->ring->tail, cpu->next, __ATOMIC_RELEASE);
	return half;
}

static int by_time(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void sort_items(struct live *live)
{
	/* On one CPU, and mostly on an idle machine, they are in order already. */
	for (size_t i = 1; i < live->nr_items; i++) {
		if (live->items[i].t < live->items[i - 1].t) {
			qsort(live->items, live->nr_items, sizeof(*live->items), by_time);
			return;
		}
	}
}

/* Hand over what is not younger than @until, and close the gap it leaves. */
static void hand_over(struct live *live, uint64_t until, record_fn fn, void *context)
{
	size_t n, kept = 0, len = 0;

	sort_items(live);
	for (n = 0; n < live->nr_items && live->items[n].t <= until; n++)
		fn(context, (void *)(live->arena + live->items[n].at));
	if (n == live->nr_items) {
		live->nr_items = live->arena_len = 0;
		return;
	}
	/* What stays is little: move it to the front, in the arena's order. */
	for (size_t at = 0; at < live->arena_len;) {
		struct xp_record *rec = (void *)(live->arena + at);
		size_t size = rec->nslots * XP_SLOT;

		if (rec->t > until) {
			live->items[kept++] = (struct item){ rec->t, len };
			memmove(live->arena + len, rec, size);
			len += size;
		}
		at += size;
	}
	live->nr_items = kept;
	live->arena_len = len;
}

int live__drain(struct live *live, record_fn fn, void *context)
{
	uint64_t until = now_ns();
	int fill = 0;

	for (int i = 0; i < live->nr_cpus; i++) {
		int half = read_cpu(live, &live->cpus[i], &fill);

		if (half < 0)
			return half;
		if (half && live->cpus[i].last_t < until)
			until = live->cpus[i].last_t;
	}
	hand_over(live, until, fn, context);
	return fill;
}

static int settle(struct live *live)
{
	int half = 0, fill = 0;

	for (int try = 0; try < SETTLE_TRIES; try++) {
		half = 0;
		for (int i = 0; i < live->nr_cpus; i++) {
			int err = read_cpu(live, &live->cpus[i], &fill);

			if (err < 0)
				return err;
			half |= err;
		}
		if (!half)
			return 0;
		usleep(SETTLE_US);
	}
	return -EIO;
}

static int keep_untold_losses(struct live *live, int cpu, uint64_t t)
{
	const struct xp_ring *ring = live->cpus[cpu].ring;

	for (int h = 0; h < XP_HOOK_MAX; h++) {
		struct xp_record rec = {
			.kind = XP_LOST, .nslots = 1, .cpu = cpu, .t = t,
			.u.lost = { .hook = h, .count = ring->lost[h] - ring->told[h] },
		};
		int err = rec.u.lost.count ? keep(live, &rec) : 0;

		if (err)
			return err;
	}
	return 0;
}

int live__stop(struct live *live, record_fn fn, void *context)
{
	int err;

	live->skel->bss->armed = 0;
	hooks__detach(live->at);
	err = settle(live);
	for (int i = 0; !err && i < live->nr_cpus; i++)
		err = keep_untold_losses(live, i, now_ns());
	hand_over(live, UINT64_MAX, fn, context);
	return err;
}
