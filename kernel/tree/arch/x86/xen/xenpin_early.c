// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF before deferred struct-page init.
 *
 * A light skeleton, which is a BPF program that loads BPF programs, needs no
 * user space.  What it loads here copies to a ring of its own what goes to the
 * boot log as long as that is on.  It is attached first, and then, with all CPUs
 * stopped, the log ends and a switch in one of its maps is set; so each event is
 * in the log or in the ring, never in both or in neither, and the ring's first
 * slot has the number after the log's last.
 *
 * One tracepoint for all keeps this short: the time goes into searching BTF for
 * each name that a program attaches to.
 *
 * Maps and links stay until somebody writes 0 to /sys/kernel/xenpin/early; user
 * space finds them by name or, with references of its own, keeps them.
 */
#define pr_fmt(fmt) "xenpin: " fmt

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/file.h>
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/mutex.h>
#include <linux/stop_machine.h>
#include <linux/sysfs.h>

#include <xen/xen.h>

#include "xenpin_boot.lskel.h"
#include "xenpin_internal.h"

#define EARLY_LINKS (sizeof_field(struct xenpin_boot, links) / sizeof(int))

static bool early_wanted __initdata;
static int early_err;
static struct bpf_link *early_links[EARLY_LINKS];
static DEFINE_MUTEX(early_mutex);

static int __init xenpin_early_setup(char *arg)
{
	return kstrtobool(arg ?: "1", &early_wanted);
}
early_param("xenpin.early", xenpin_early_setup);

bool __init xenpin_early_wanted(void)
{
	return early_wanted;
}

/* The value of an array map; it lives as long as a program that uses the map. */
static void *__init early_value(int fd)
{
	struct bpf_map *map = bpf_map_get(fd);
	u64 address;
	int err;

	if (IS_ERR(map))
		return map;
	err = map->ops->map_direct_value_addr(map, &address, 0);
	bpf_map_put(map);
	return err ? ERR_PTR(err) : (void *)(unsigned long)address;
}

static void early_release(void)
{
	unsigned int i;

	mutex_lock(&early_mutex);
	for (i = 0; i < EARLY_LINKS; i++) {
		if (early_links[i])
			bpf_link_put(early_links[i]);
		early_links[i] = NULL;
	}
	mutex_unlock(&early_mutex);
}

/*
 * File descriptors would be the first of init's; what must stay is held by
 * references to the links, which hold the programs, which hold the maps.
 */
static int __init early_hold(struct xenpin_boot *skel)
{
	const int *fds = (const int *)&skel->links;
	struct bpf_link *link;
	unsigned int i;

	for (i = 0; i < EARLY_LINKS; i++) {
		link = bpf_link_get_from_fd(fds[i]);
		if (IS_ERR(link)) {
			early_release();
			return PTR_ERR(link);
		}
		early_links[i] = link;
	}
	return 0;
}

struct early_handoff {
	struct xp_ring *ring;
	struct xp_early_ctl *ctl;
};

/*
 * All CPUs are here with interrupts off; one of them runs this.  The ring starts
 * with a record of it, as proof of when the programs were there.
 */
static int __init early_take_over(void *data)
{
	struct early_handoff *h = data;
	u64 first = xenpin_log_stop(XP_LOG_EARLY);
	struct xp_record *r = (void *)&h->ring->slots[first % XP_EARLY_SLOTS * XP_SLOT];

	r->kind = XP_TAKEOVER;
	r->nslots = 1;
	r->cpu = raw_smp_processor_id();
	r->t = xenpin_clock();
	r->u.boot.pages = first;
	strscpy(r->comm, "xenpin", sizeof(r->comm));
	r->seq = first + 1;

	h->ring->head = first + 1;
	h->ring->tail = first;
	h->ctl->slots = XP_EARLY_SLOTS;
	h->ctl->first = first;
	WRITE_ONCE(h->ctl->on, 1);
	return 0;
}

static int __init early_load(void)
{
	struct early_handoff h;
	struct xenpin_boot *skel;
	u64 start, parsed, loaded;
	struct btf *btf;
	int err, zero;

	/* Skeletons take 0 for "no file descriptor", and would leave it open. */
	zero = get_unused_fd_flags(O_CLOEXEC);
	if (zero < 0)
		return zero;
	skel = xenpin_boot__open();
	err = -ENOMEM;
	if (!skel)
		goto out;
	/* What the first BPF program of a boot pays for, whoever loads it. */
	start = xenpin_clock();
	btf = bpf_get_btf_vmlinux();
	err = PTR_ERR_OR_ZERO(btf);
	if (err)
		goto out;
	parsed = xenpin_clock();
	err = xenpin_boot__load(skel);
	if (err)
		goto out;
	loaded = xenpin_clock();
	err = xenpin_boot__attach(skel);
	if (err < 0)
		goto out;

	h.ring = early_value(skel->maps.xenpin_early.map_fd);
	h.ctl = early_value(skel->maps.xenpin_earlyctl.map_fd);
	err = PTR_ERR_OR_ZERO(h.ring) ?: PTR_ERR_OR_ZERO(h.ctl) ?: early_hold(skel);
	if (!err)
		err = stop_machine(early_take_over, &h, NULL);
	if (!err)
		pr_info("early programs: load_us=%llu attach_us=%llu slot=%llu btf_us=%llu\n",
			div_u64(loaded - parsed, NSEC_PER_USEC),
			div_u64(xenpin_clock() - loaded, NSEC_PER_USEC), h.ctl->first,
			div_u64(parsed - start, NSEC_PER_USEC));
out:
	xenpin_boot__destroy(skel);
	put_unused_fd(zero);
	return err;
}

void __init xenpin_early_load(void)
{
	if (!early_wanted || !xen_pv_domain())
		return;
	early_err = xenpin_clock_ready() ? early_load() : -ENODEV;
	if (early_err)
		pr_warn("early programs not loaded: %d; boot goes on without them\n", early_err);
}

static ssize_t early_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	bool on;

	if (early_err)
		return sysfs_emit(buf, "%d\n", early_err);
	mutex_lock(&early_mutex);
	on = early_links[0];
	mutex_unlock(&early_mutex);
	return sysfs_emit(buf, "%d\n", on);
}

static ssize_t early_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			   size_t count)
{
	bool on;

	if (kstrtobool(buf, &on) || on)
		return -EINVAL;
	early_release();
	return count;
}

static struct kobj_attribute early_attr = __ATTR(early, 0600, early_show, early_store);

int __init xenpin_early_publish(struct kobject *dir)
{
	return sysfs_create_file(dir, &early_attr.attr);
}
