// SPDX-License-Identifier: GPL-2.0-only
/* Attached programs, and their rings mapped into memory. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include <bpf/libbpf.h>

#include "../../include/config.h"
#include "base/clock.h"
#include "base/platform.h"
#include "live.h"
#include "trace.skel.h"

#define PAGE 4096UL

/* How long a record may stay half written once nothing new is recorded. */
#define SETTLE_US	2000
#define SETTLE_TRIES	500

/* Longer than a virtual CPU waits for a real one, as a rule. */
#define GRACE_US	100000

struct live {
	struct trace_bpf *skel;
	struct attachment at[LIVE_PROBES];
	struct stream *stream;
	void *map;
	size_t map_size;
	int nr_cpus;
};

static int map_rings(struct live *live)
{
	const struct bpf_map *rings = live->skel->maps.rings;
	size_t each = (bpf_map__value_size(rings) + 7) & ~7UL;

	live->nr_cpus = bpf_map__max_entries(rings);
	live->map_size = (each * live->nr_cpus + PAGE - 1) & ~(PAGE - 1);
	live->map = mmap(NULL, live->map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(rings), 0);
	if (live->map == MAP_FAILED)
		return -errno;
	live->stream = stream__new(live->map, each, live->nr_cpus,
				   live->skel->rodata->config.ring_mask + 1);
	return live->stream ? 0 : -ENOMEM;
}

/* Neither the kernel's symbols nor a look at its layout told where its frames are. */
static void explain_lost(char why[REASON_LEN])
{
	snprintf(why, REASON_LEN, "%s", platform__hides_symbols() ?:
		 "this kernel's symbols have no vmemmap_base, page_offset_base or "
		 "machine_to_phys_mapping (CONFIG_KALLSYMS_ALL)");
}

int live__open(struct live **out, const struct trace_request *request, char why[REASON_LEN])
{
	struct live *live = calloc(1, sizeof(*live));
	int err = -ENOMEM;

	if (!live)
		goto fail;
	live->map = MAP_FAILED;
	err = probes__open(&live->skel, live->at, request, !request->dry_run, why);
	if (err) {
		free(live);
		return err;
	}
	err = -ENOKEY;
	if (!live->skel->bss->kaddr.m2p)
		goto lost;
	err = map_rings(live);
	if (err)
		goto fail;
	*out = live;
	return 0;
lost:
	explain_lost(why);
	live__close(live);
	return err;
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
	probes__close(live->skel, live->at);
	stream__free(live->stream);
	free(live);
}

uint64_t live__arm(struct live *live)
{
	uint64_t now = now_ns();	/* no record is older than the begin of its trace */

	live->skel->bss->armed = 1;
	return now;
}

/* An RCU grace period is the end of all that; with nohz_full= this call has none. */
void live__let_begun_end(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(GRACE_US);
}

const struct attachment *live__attachments(const struct live *live)
{
	return live->at;
}

uint64_t live__missed(const struct live *live, int probe)
{
	return probes__missed(live->skel, live->at, probe);
}

static bool any_stuck(const struct live *live)
{
	for (int i = 0; i < live->nr_cpus; i++)
		if (stream__stuck(live->stream, i))
			return true;
	return false;
}

/*
 * The record of a batch is completed by its CPU's next flush (bpf/flight.h), and
 * each switch of tasks is one: where nobody else comes by, go there.
 */
static void visit_stuck_cpus(const struct live *live)
{
	size_t size = CPU_ALLOC_SIZE(live->nr_cpus);
	cpu_set_t *old = CPU_ALLOC(live->nr_cpus), *one = CPU_ALLOC(live->nr_cpus);

	if (old && one && !sched_getaffinity(0, size, old)) {
		for (int i = 0; i < live->nr_cpus; i++) {
			if (!stream__stuck(live->stream, i))
				continue;
			CPU_ZERO_S(size, one);
			CPU_SET_S(i, size, one);
			sched_setaffinity(0, size, one);
		}
		sched_setaffinity(0, size, old);
	}
	CPU_FREE(old);
	CPU_FREE(one);
}

int live__drain(struct live *live, record_fn fn, void *context)
{
	int fill = stream__drain(live->stream, now_ns(), fn, context);

	if (any_stuck(live))
		visit_stuck_cpus(live);
	return fill;
}

uint64_t live__reached(const struct live *live)
{
	return stream__reached(live->stream);
}

bool live__in_gap(const struct live *live)
{
	return stream__in_gap(live->stream);
}

static int settle(struct live *live)
{
	for (int try = 0; try < SETTLE_TRIES; try++) {
		int half = stream__settle(live->stream);

		if (half <= 0)
			return half;
		if (any_stuck(live))
			visit_stuck_cpus(live);
		usleep(SETTLE_US);
	}
	return -EIO;
}

int live__stop(struct live *live, record_fn fn, void *context, uint64_t *end_ns)
{
	int unsettled, err;

	/* First what is in flight lands, then nobody writes any more. */
	live->skel->bss->armed = 0;
	*end_ns = now_ns();
	live__let_begun_end();
	settle(live);
	probes__detach(live->at);
	unsettled = settle(live);
	err = stream__end(live->stream, now_ns(), fn, context);
	return unsettled ?: err;
}
