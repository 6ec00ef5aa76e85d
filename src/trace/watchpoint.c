// SPDX-License-Identifier: GPL-2.0-only
/* One breakpoint per CPU, those that come included, and what they run (bpf/watch.bpf.c). */
#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "../../include/watch_record.h"
#include "load/programs.h"
#include "watchpoint.h"
#include "watch.skel.h"

struct watch {
	struct watch_bpf *skel;
	struct ring_buffer *ring;
	uint64_t address;
	struct bpf_link **links;	/* one per CPU; they own the events */
	int *events;			/* their descriptors; -1: none */
	int nr_cpus;
	int cpus;			/* socket: which come and go */
	int err;			/* -errno of the last CPU that could not be followed */
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
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED,
		.exclude_user = 1,
		.exclude_hv = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* An offline CPU has no breakpoint, and needs none.  0 or -errno. */
static int attach_to(struct watch *w, int cpu)
{
	int fd = break_on(w->address, cpu);

	if (fd < 0)
		return fd == -ENODEV ? 0 : fd;
	w->links[cpu] = bpf_program__attach_perf_event(w->skel->progs.flags_written, fd);
	if (!w->links[cpu]) {
		int err = -errno;

		close(fd);
		return err;
	}
	w->events[cpu] = fd;
	return 0;
}

static void detach_from(struct watch *w, int cpu)
{
	bpf_link__destroy(w->links[cpu]);
	w->links[cpu] = NULL;
	w->events[cpu] = -1;
}

static int attach(struct watch *w)
{
	int err = 0;

	w->nr_cpus = libbpf_num_possible_cpus();
	w->links = calloc(w->nr_cpus, sizeof(*w->links));
	w->events = calloc(w->nr_cpus, sizeof(*w->events));
	if (!w->links || !w->events)
		return -ENOMEM;
	memset(w->events, 0xff, w->nr_cpus * sizeof(*w->events));
	for (int cpu = 0; !err && cpu < w->nr_cpus; cpu++)
		err = attach_to(w, cpu);
	return err;
}

/* The kernel tells of its devices' comings and goings; -1 when it does not tell us. */
static int listen_to_cpus(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&all, sizeof(all))) {
		close(fd);
		return -1;
	}
	return fd;
}

int watch__open(struct watch **out, uint64_t address, uint64_t pfn, uint32_t level, bool set,
		change_fn fn, void *context, char why[WATCH_REASON_LEN])
{
	struct watch *w = calloc(1, sizeof(*w));
	int err;

	if (w)
		w->cpus = -1;
	err = w ? load(w, address, pfn, level, set) : -ENOMEM;

	if (err) {
		snprintf(why, WATCH_REASON_LEN, "its program does not load: %s", strerror(-err));
		goto fail;
	}
	w->fn = fn;
	w->context = context;
	w->address = address;
	w->cpus = listen_to_cpus();
	w->ring = ring_buffer__new(bpf_map__fd(w->skel->maps.changes), on_change, w, NULL);
	err = w->ring ? attach(w) : -errno;
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
	free(w->events);
	if (w->cpus >= 0)
		close(w->cpus);
	ring_buffer__free(w->ring);
	watch_bpf__destroy(w->skel);
	free(w);
}

int watch__fd(const struct watch *w)
{
	return ring_buffer__epoll_fd(w->ring);
}

int watch__cpus_fd(const struct watch *w)
{
	return w->cpus;
}

static void watch_anew(struct watch *w, int cpu)
{
	int err;

	detach_from(w, cpu);
	err = attach_to(w, cpu);
	if (!err)
		err = program__run(w->skel->progs.compare);
	w->err = err ?: w->err;
}

void watch__follow_cpus(struct watch *w)
{
	char event[4096];
	ssize_t n;
	int cpu;

	while ((n = recv(w->cpus, event, sizeof(event) - 1, 0)) > 0 || errno == ENOBUFS) {
		event[n > 0 ? n : 0] = 0;
		if (sscanf(event, "online@/devices/system/cpu/cpu%d", &cpu) == 1 && cpu >= 0 &&
		    cpu < w->nr_cpus)
			watch_anew(w, cpu);
		for (cpu = 0; n <= 0 && cpu < w->nr_cpus; cpu++)
			watch_anew(w, cpu);	/* there were more than it keeps for us */
		errno = 0;
	}
}

/* For how long the event of @cpu has been enabled; 0: it has none. */
static uint64_t enabled_ns(const struct watch *w, int cpu)
{
	uint64_t value[2];

	if (w->events[cpu] < 0 || read(w->events[cpu], value, sizeof(value)) != sizeof(value))
		return 0;
	return value[1];
}

static bool is_online(int cpu)
{
	char path[64], state = '1';
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return !cpu;	/* the first can do without; others are not there */
	if (read(fd, &state, 1) != 1)
		state = '1';
	close(fd);
	return state == '1';
}

/* A breakpoint that went with its CPU counts no time any more. */
int watch__blind(struct watch *w, char why[WATCH_REASON_LEN])
{
	uint64_t before[w->nr_cpus];
	int blind = 0;

	for (int cpu = 0; cpu < w->nr_cpus; cpu++)
		before[cpu] = enabled_ns(w, cpu);
	usleep(1000);
	for (int cpu = 0; cpu < w->nr_cpus; cpu++)
		blind += is_online(cpu) && enabled_ns(w, cpu) <= before[cpu];
	snprintf(why, WATCH_REASON_LEN, "%s", w->err ? strerror(-w->err) :
		 w->cpus < 0 ? "the kernel does not tell which CPUs come" : "a CPU came just now");
	return blind;
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

uint64_t watch__dropped(const struct watch *w)
{
	return w->skel->bss->dropped;
}
