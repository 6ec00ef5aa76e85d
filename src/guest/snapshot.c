// SPDX-License-Identifier: GPL-2.0-only
/* The audit's BPF programs: loaded, run, and their maps in our memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

#include "base/grow.h"
#include "base/platform.h"
#include "load/programs.h"
#include "moves.h"
#include "snapshot.h"
#include "audit.skel.h"
#include "audit_old.skel.h"

#define PAGE 4096UL

/* One page of 32 may be a page table before there is no room; of a small guest, more. */
#define PAGES_PER_TABLE 32
#define TABLES_MIN	65536

/* And room for what is looked at without a tree: pages with the flag, one that is asked for. */
#define SPARE		1024

/* A list that changes while it is read is read again. */
#define TRIES	50
#define PAUSE_US 100

struct mapped {
	void *at;
	size_t size;
};

struct snapshot {
	struct guest guest;	/* first: the operations get this */
	struct audit_bpf *skel;
	struct mapped seen, flagged, readonly, again;
	struct moves moves;
	struct xen *xen;	/* NULL: one witness less */
	enum scan { SCAN_CAST, SCAN_LENT, SCAN_READ } how;	/* bpf/audit_scan.h */
};

static int map_map(const struct bpf_map *map, struct mapped *m)
{
	size_t each = (bpf_map__value_size(map) + 7) & ~7UL;

	m->size = (each * bpf_map__max_entries(map) + PAGE - 1) & ~(PAGE - 1);
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (m->at != MAP_FAILED)
		return 0;
	m->at = NULL;
	return -errno;
}

static int map_all(struct snapshot *s)
{
	int err = map_map(s->skel->maps.seen, &s->seen);

	if (!err)
		err = map_map(s->skel->maps.flagged, &s->flagged);
	if (!err)
		err = map_map(s->skel->maps.readonly, &s->readonly);
	return err ?: map_map(s->skel->maps.again_list, &s->again);
}

static uint32_t tables_at_most(void)
{
	struct sysinfo info;
	uint64_t pages;

	if (sysinfo(&info))
		return TABLES_MIN;
	pages = (uint64_t)info.totalram * info.mem_unit / PAGE;
	return pages / PAGES_PER_TABLE > TABLES_MIN ? pages / PAGES_PER_TABLE : TABLES_MIN;
}

static bool kernel_has_cast(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

static const struct bpf_program *scan_program(const struct snapshot *s)
{
	const struct bpf_program *programs[] = {
		[SCAN_CAST] = s->skel->progs.scan_cast,
		[SCAN_LENT] = s->skel->progs.scan_lent,
		[SCAN_READ] = s->skel->progs.scan_read,
	};

	return programs[s->how];
}

/* One source, one layout: the other object differs in what it asks of the kernel. */
_Static_assert(sizeof(struct audit_bpf) == sizeof(struct audit_old_bpf), "one source");

/*
 * What a kernel does not have libbpf looks for in its modules, too, and to list them
 * takes CAP_SYS_ADMIN; not so when it is told in which file to look.
 */
#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

static int load_with(struct snapshot *s, enum scan how)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = KERNEL_BTF);

	s->skel = how == SCAN_CAST ? audit_bpf__open_opts(&opts) :
				     (struct audit_bpf *)audit_old_bpf__open_opts(&opts);
	if (!s->skel)
		return -errno;
	s->how = how;
	s->guest.room = tables_at_most() + SPARE;
	bpf_program__set_autoload(s->skel->progs.scan_cast, how == SCAN_CAST);
	bpf_program__set_autoload(s->skel->progs.scan_lent, how == SCAN_LENT);
	bpf_program__set_autoload(s->skel->progs.scan_read, how == SCAN_READ);
	*(uint32_t *)&s->skel->rodata->seen_room = s->guest.room - SPARE;
	bpf_map__set_max_entries(s->skel->maps.seen, s->guest.room);
	bpf_map__set_max_entries(s->skel->maps.flagged, s->guest.room);
	bpf_map__set_max_entries(s->skel->maps.readonly, s->guest.room);
	bpf_map__set_max_entries(s->skel->maps.again_list, s->guest.room);
	return audit_bpf__load(s->skel);
}

/* Without bpf_rdonly_cast() a pointer is lent, where the kernel's types allow it. */
static int load(struct snapshot *s)
{
	int err;

	if (kernel_has_cast())
		return load_with(s, SCAN_CAST);
	err = load_with(s, SCAN_LENT);
	if (!err)
		return 0;
	audit_bpf__destroy(s->skel);
	return load_with(s, SCAN_READ);
}

/* What this kernel does not have, or NULL. */
static const char *missing(const struct xp_places *p)
{
	const struct {
		uint64_t at;
		const char *name;
	} needed[] = {
		{ p->vmemmap, "vmemmap_base" },
		{ p->page_offset, "page_offset_base" },
		{ p->m2p, "machine_to_phys_mapping" },
		{ p->m2p_nr, "machine_to_phys_nr" },
		{ p->p2m, "xen_p2m_addr" },
		{ p->max_pfn, "max_pfn" },
		{ p->pgd_list, "pgd_list" },
		{ p->init_mm, "init_mm" },
		{ p->mc_buffer, "mc_buffer" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!needed[i].at)
			return needed[i].name;
	return NULL;
}

static void explain_load(int err, char why[AUDIT_REASON_LEN])
{
	snprintf(why, AUDIT_REASON_LEN, "the audit's programs do not load: %s", load_error(err));
}

static void explain_missing(const char *symbol, char why[AUDIT_REASON_LEN])
{
	const char *hidden = platform__hides_symbols();

	if (hidden)
		snprintf(why, AUDIT_REASON_LEN, "%s", hidden);
	else
		snprintf(why, AUDIT_REASON_LEN, "this kernel's symbols have no %s "
			 "(CONFIG_KALLSYMS_ALL)", symbol);
}

static void unmap(struct mapped *m)
{
	if (m->at)
		munmap(m->at, m->size);
}

static struct snapshot *snapshot_of(struct guest *guest)
{
	return (struct snapshot *)guest;
}

static void snapshot__close(struct guest *guest)
{
	struct snapshot *s = snapshot_of(guest);

	moves__end(&s->moves);
	unmap(&s->seen);
	unmap(&s->flagged);
	unmap(&s->readonly);
	unmap(&s->again);
	audit_bpf__destroy(s->skel);
	xen__close(s->xen);
	free(s);
}

/* With this thread's robust list where the program reads through it: bpf/audit_lent.h. */
static int scan_lent(struct snapshot *s)
{
	void *head = (void *)s->skel->bss->lent.at, *old;
	size_t size;
	int err;

	if (syscall(SYS_get_robust_list, 0, &old, &size) ||
	    syscall(SYS_set_robust_list, head, size))
		return -errno;
	err = program__run(scan_program(s));
	syscall(SYS_set_robust_list, old, size);
	return err;
}

static int snapshot__look(struct guest *guest)
{
	struct snapshot *s = snapshot_of(guest);
	int err;

	for (int try = 0; try < TRIES; try++) {
		err = program__run(s->skel->progs.roots);
		if (err)
			return err;
		if (!guest->look->torn)
			break;
		usleep(PAUSE_US);
	}
	err = program__run(s->skel->progs.walk);
	if (err)
		return err;
	err = s->how == SCAN_LENT ? scan_lent(s) : program__run(scan_program(s));
	return err ?: program__run(s->skel->progs.scan_direct_map);
}

static int run_on(struct snapshot *s, const struct bpf_program *program, const uint32_t *indices,
		  size_t n)
{
	uint64_t *list = s->again.at;

	if (n > s->guest.room)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++)
		list[i] = indices[i];
	s->skel->bss->again = n;
	return program__run(program);
}

static int snapshot__again(struct guest *guest, const uint32_t *indices, size_t n)
{
	struct snapshot *s = snapshot_of(guest);

	return run_on(s, s->skel->progs.look, indices, n);
}

static int snapshot__explain(struct guest *guest, const uint32_t *indices, size_t n)
{
	struct snapshot *s = snapshot_of(guest);

	return run_on(s, s->skel->progs.explain, indices, n);
}

static int snapshot__types(struct guest *guest, const uint64_t *mfns, uint8_t *types, size_t n)
{
	return xen__types(snapshot_of(guest)->xen, XEN_DOM0, mfns, types, n);
}

static int snapshot__follow(struct guest *guest)
{
	struct snapshot *s = snapshot_of(guest);

	return moves__begin(&s->moves, s->skel);
}

static void snapshot__ignore(struct guest *guest)
{
	moves__end(&snapshot_of(guest)->moves);
}

static int snapshot__visit_cpus(struct guest *guest)
{
	return moves__visit_cpus(snapshot_of(guest)->skel);
}

static bool snapshot__missed_moves(struct guest *guest)
{
	struct snapshot *s = snapshot_of(guest);

	return moves__missed_some(&s->moves, s->skel);
}

/* All that an iterator tells, in memory that is the caller's to free: its bytes, or -errno. */
static ssize_t read_all(const struct bpf_program *program, char **bytes)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	size_t have = 0, room = 0;
	ssize_t n = link ? 1 : -errno;
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;

	*bytes = NULL;
	if (link && fd < 0)
		n = fd;
	while (n > 0) {
		if (GROW(*bytes, have, room, 4096)) {
			n = -ENOMEM;
			break;
		}
		n = read(fd, *bytes + have, room - have);
		if (n < 0)
			n = -errno;
		else
			have += n;
	}
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return n < 0 ? n : (ssize_t)have;
}

static int snapshot__owners(struct guest *guest, struct xp_owner **owners)
{
	char *bytes;
	ssize_t n = read_all(snapshot_of(guest)->skel->progs.owners, &bytes);

	*owners = (struct xp_owner *)bytes;
	return n < 0 ? n : (int)(n / sizeof(**owners));
}

static int snapshot__halfway(struct guest *guest)
{
	char *bytes;
	ssize_t n = read_all(snapshot_of(guest)->skel->progs.halfway, &bytes);

	free(bytes);
	return n;
}

static const struct guest_moves_ops moves_ops = {
	.follow = snapshot__follow,
	.ignore = snapshot__ignore,
	.visit_cpus = snapshot__visit_cpus,
	.missed = snapshot__missed_moves,
	.halfway = snapshot__halfway,
};

static const struct guest_ops ops = {
	.look = snapshot__look,
	.again = snapshot__again,
	.explain = snapshot__explain,
	.types = snapshot__types,
	.owners = snapshot__owners,
	.moves = &moves_ops,
	.close = snapshot__close,
};

/* Where the programs leave what they see. */
static void show(struct snapshot *s)
{
	struct guest *g = &s->guest;

	g->look = &s->skel->bss->look_at;
	g->tables = s->seen.at;
	g->flagged = s->flagged.at;
	g->readonly = s->readonly.at;
	g->places = &s->skel->bss->places;
	g->moves = &s->skel->bss->moves;
}

static void open_xen(struct snapshot *s, bool dom0)
{
	struct guest *g = &s->guest;

	g->witnesses = WITNESS_FLAG | WITNESS_TREE | WITNESS_DIRECT_MAP;
	if (!dom0)
		strcpy(g->no_types, "only the control domain may ask");
	else if (!xen__open(&s->xen, g->no_types))
		g->witnesses |= WITNESS_XEN;
}

/* Load, and let the programs find the kernel's tables.  0, or -errno with a sentence in @why. */
static int prepare(struct snapshot *s, char why[AUDIT_REASON_LEN])
{
	const char *symbol;
	int err = load(s);

	if (!err)
		err = map_all(s);
	if (!err)
		err = program__run(s->skel->progs.locate);
	if (err) {
		explain_load(err, why);
		return err;
	}
	symbol = missing(&s->skel->bss->places);
	if (symbol)
		explain_missing(symbol, why);
	return symbol ? -ENOKEY : 0;
}

int snapshot__open(struct guest **out, bool dom0, char why[AUDIT_REASON_LEN])
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int err;

	if (!s) {
		explain_load(-ENOMEM, why);
		return -ENOMEM;
	}
	s->guest.ops = &ops;
	s->guest.rules = &snapshot_rules;
	err = prepare(s, why);
	if (err) {
		snapshot__close(&s->guest);
		return err;
	}
	show(s);
	open_xen(s, dom0);
	*out = &s->guest;
	return 0;
}
