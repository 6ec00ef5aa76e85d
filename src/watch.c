// SPDX-License-Identifier: GPL-2.0-only
/* One breakpoint per CPU, and the program behind them (bpf/watch.bpf.c). */
#include <errno.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "watch.h"
#include "../include/watch.h"
#include "watch.skel.h"

struct watch {
	struct watch_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link **links;	/* one per CPU; they own the events */
	int nr_cpus;
	change_fn fn;
	void *context;
};

static int on_change(void *context, void *data, size_t size)
{
	struct watch *w = context;
	const struct xp_change *change = data;

	w->fn(w->context, &change->rec);
	return 0;
}

static int load(struct watch *w, uint64_t address, uint64_t pfn, uint32_t level, bool set)
{
	w->skel = watch_bpf__open();
	if (!w->skel)
		return -errno;
	w->skel->rodata->page_flags = address;
	w->skel->rodata->pfn = pfn;
	w->skel->rodata->level = level;
	w->skel->bss->was_set = set;
	return watch_bpf__load(w->skel);
}

static int break_on(uint64_t address, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = address,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.sample_period = 1,
		.exclude_user = 1,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* An offline CPU has no breakpoint, and needs none. */
static int attach(struct watch *w, uint64_t address)
{
	w->nr_cpus = libbpf_num_possible_cpus();
	w->links = calloc(w->nr_cpus, sizeof(*w->links));
	if (!w->links)
		return -ENOMEM;
	for (int cpu = 0; cpu < w->nr_cpus; cpu++) {
		int fd = break_on(address, cpu);

		if (fd == -ENODEV)
			continue;
		if (fd < 0)
			return fd;
		w->links[cpu] = bpf_program__attach_perf_event(w->skel->progs.flags_written, fd);
		if (!w->links[cpu]) {
			int err = -errno;

			close(fd);
			return err;
		}
	}
	return 0;
}

int watch__open(struct watch **out, uint64_t address, uint64_t pfn, uint32_t level, bool set,
		change_fn fn, void *context, char why[WATCH_REASON_LEN])
{
	struct watch *w = calloc(1, sizeof(*w));
	int err = w ? load(w, address, pfn, level, set) : -ENOMEM;

	if (err) {
		snprintf(why, WATCH_REASON_LEN, "its program does not load: %s", strerror(-err));
		goto fail;
	}
	w->fn = fn;
	w->context = context;
	w->ring = ring_buffer__new(bpf_map__fd(w->skel->maps.changes), on_change, w, NULL);
	err = w->ring ? attach(w, address) : -errno;
	if (err) {
		snprintf(why, WATCH_REASON_LEN, "no hardware breakpoint: %s%s", strerror(-err),
			 err == -EPERM || err == -EACCES ? " (needs CAP_SYS_ADMIN)" :
			 err == -ENOSPC ? " (all debug registers are in use)" : "");
		goto fail;
	}
	*out = w;
	return 0;
fail:
	watch__close(w);
	return err;
}

void watch__close(struct watch *w)
{
	if (!w)
		return;
	for (int cpu = 0; w->links && cpu < w->nr_cpus; cpu++)
		bpf_link__destroy(w->links[cpu]);
	free(w->links);
	ring_buffer__free(w->ring);
	watch_bpf__destroy(w->skel);
	free(w);
}

int watch__fd(const struct watch *w)
{
	return ring_buffer__epoll_fd(w->ring);
}

int watch__read(struct watch *w)
{
	int n = ring_buffer__consume(w->ring);

	return n < 0 ? n : 0;
}

uint64_t watch__writes(const struct watch *w)
{
	return w->skel->bss->writes;
}

uint64_t watch__lost(const struct watch *w)
{
	return w->skel->bss->lost;
}
