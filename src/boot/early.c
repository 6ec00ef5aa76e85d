// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ring for all CPUs: a slot's number is its place in the order of all
 * records, so nothing has to be merged.  A slot that is reserved and not yet
 * written holds back what follows it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "record/records.h"
#include "early.h"

#define PROG_NAME	"early_record"

struct early {
	struct xp_ring *ring;
	size_t map_size;	/* 0: the caller's memory */
	uint32_t slots;		/* a power of two */
	uint64_t first, next;	/* slots */
	uint64_t taken;		/* slots from .first on that were gone when we came */
	uint64_t told[XP_PROBES_MAX];
	int prog_fd;
};


static int find_map(const char *name, struct bpf_map_info *info)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		__u32 size = sizeof(*info);
		int fd = bpf_map_get_fd_by_id(id);

		if (fd < 0 && errno == ENOENT)
			continue;	/* gone meanwhile */
		if (fd < 0)
			return -errno;
		memset(info, 0, sizeof(*info));
		if (!bpf_obj_get_info_by_fd(fd, info, &size) && !strcmp(info->name, name))
			return fd;
		close(fd);
	}
	return -errno;
}

static int find_prog(int *found)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && !strcmp(info.name, PROG_NAME)) {
			*found = fd;
			return 0;
		}
		close(fd);
	}
	return -errno;
}

static int read_ctl(struct xp_early_ctl *ctl)
{
	struct bpf_map_info info;
	int fd = find_map(XP_EARLY_CTL, &info), err = 0;
	__u32 zero = 0;

	if (fd < 0)
		return fd;
	if (info.value_size != sizeof(*ctl) || bpf_map_lookup_elem(fd, &zero, ctl))
		err = -EBADMSG;
	close(fd);
	return err;
}

static int map_ring(struct early *e)
{
	struct bpf_map_info info;
	int fd = find_map(XP_EARLY_RING, &info), err = 0;
	size_t least = sizeof(struct xp_ring) + (e->slots + XP_RECORD_SLOTS_MAX) * XP_SLOT;

	if (fd < 0)
		return fd;
	if (info.value_size < least) {
		close(fd);
		return -EBADMSG;
	}
	e->map_size = (info.value_size + 4095UL) & ~4095UL;
	e->ring = mmap(NULL, e->map_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, fd, 0);
	if (e->ring == MAP_FAILED) {
		err = -errno;
		e->map_size = 0;
	}
	close(fd);
	return err;
}

static void begin(struct early *e, uint64_t first)
{
	uint64_t tail = __atomic_load_n(&e->ring->tail, __ATOMIC_ACQUIRE);

	e->first = first;
	e->next = tail;
	e->taken = tail - first;
}

static struct early *allocate(uint32_t slots)
{
	struct early *e = calloc(1, sizeof(*e));

	if (e) {
		e->slots = slots;
		e->prog_fd = -1;
	}
	return e;
}

struct early *early__new(struct xp_ring *ring, uint64_t first, uint32_t slots)
{
	struct early *e = allocate(slots);

	if (e) {
		e->ring = ring;
		begin(e, first);
	}
	return e;
}

static const char *reason(int err)
{
	if (err == -EPERM)
		return "looking for BPF maps by name needs CAP_SYS_ADMIN";
	if (err == -EBADMSG)
		return "its maps have another layout than this xenpin knows";
	return strerror(-err);
}

int early__open(struct early **out, char why[EARLY_WHY])
{
	struct xp_early_ctl ctl;
	struct early *e = NULL;
	int err = read_ctl(&ctl);

	if (!err && (!ctl.slots || ctl.slots & (ctl.slots - 1) || ctl.slots > 1 << 24))
		err = -EBADMSG;
	if (!err) {
		e = allocate(ctl.slots);
		err = e ? map_ring(e) : -ENOMEM;
	}
	/* Somebody may hold the maps of a program that has been taken away. */
	if (!err)
		err = find_prog(&e->prog_fd);
	if (!err && (e->ring->tail < ctl.first || e->ring->head < e->ring->tail))
		err = -EBADMSG;
	if (err) {
		early__close(e);
		snprintf(why, EARLY_WHY, "%s", reason(err));
		return err;
	}
	begin(e, ctl.first);
	*out = e;
	return 0;
}

void early__close(struct early *e)
{
	if (!e)
		return;
	if (e->map_size)
		munmap(e->ring, e->map_size);
	if (e->prog_fd >= 0)
		close(e->prog_fd);
	free(e);
}

static struct xp_record *at_slot(const struct early *e, uint64_t slot)
{
	return (void *)(e->ring->slots + (slot & (e->slots - 1)) * XP_SLOT);
}

/* Slots that are given back must not look like records until they are some again. */
static void give_back(struct early *e, uint64_t until)
{
	for (uint64_t slot = e->ring->tail; slot < until; slot++)
		at_slot(e, slot)->seq = 0;
	__atomic_store_n(&e->ring->tail, until, __ATOMIC_RELEASE);
}

static void tell_losses(struct early *e, record_fn fn, void *context)
{
	for (int p = 0; p < XP_PROBES_MAX; p++) {
		uint64_t dropped = __atomic_load_n(&e->ring->dropped[p], __ATOMIC_RELAXED);
		struct xp_record rec = {
			.kind = XP_DROPPED, .nslots = 1,
			.u.dropped = { .probe = p, .count = dropped - e->told[p] },
		};

		if (rec.u.dropped.count)
			fn(context, &rec);
		e->told[p] = dropped;
	}
}

int early__read(struct early *e, record_fn fn, void *context)
{
	uint64_t head = __atomic_load_n(&e->ring->head, __ATOMIC_ACQUIRE);
	uint64_t used = head - e->ring->tail;

	if (head < e->next || used > e->slots)
		return -EBADMSG;
	while (e->next < head) {
		struct xp_record *rec = at_slot(e, e->next);

		if (__atomic_load_n(&rec->seq, __ATOMIC_ACQUIRE) != (uint32_t)(e->next + 1))
			break;
		if (record__flaw(rec, e->next, head - e->next))
			return -EBADMSG;
		e->next += rec->nslots;
		fn(context, rec);
	}
	tell_losses(e, fn, context);
	return used * 100 / e->slots;
}

int early__drain(struct early *e, record_fn fn, void *context)
{
	int used = early__read(e, fn, context);

	if (used > 50)
		give_back(e, e->next);
	return used;
}

void early__rewind(struct early *e)
{
	e->next = e->ring->tail;
}

uint64_t early__first(const struct early *e)
{
	return e->first;
}

uint64_t early__taken(const struct early *e)
{
	return e->taken;
}

uint64_t early__dropped(const struct early *e)
{
	uint64_t dropped = 0;

	for (int p = 0; p < XP_PROBES_MAX; p++)
		dropped += e->ring->dropped[p];
	return dropped;
}

uint64_t early__missed(const struct early *e)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (e->prog_fd < 0 || bpf_obj_get_info_by_fd(e->prog_fd, &info, &size))
		return 0;
	return info.recursion_misses;
}
