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
	struct audit_bpf *skel;
	struct mapped seen, flagged, readonly, again;
	struct moves moves;
	uint32_t room;
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
	s->room = tables_at_most() + SPARE;
	bpf_program__set_autoload(s->skel->progs.scan_cast, how == SCAN_CAST);
	bpf_program__set_autoload(s->skel->progs.scan_lent, how == SCAN_LENT);
	bpf_program__set_autoload(s->skel->progs.scan_read, how == SCAN_READ);
	*(uint32_t *)&s->skel->rodata->seen_room = s->room - SPARE;
	bpf_map__set_max_entries(s->skel->maps.seen, s->room);
	bpf_map__set_max_entries(s->skel->maps.flagged, s->room);
	bpf_map__set_max_entries(s->skel->maps.readonly, s->room);
	bpf_map__set_max_entries(s->skel->maps.again_list, s->room);
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

static void explain_missing(const char *symbol, char why[AUDIT_REASON_LEN])
{
	const char *hidden = platform__hides_symbols();

	if (hidden)
		snprintf(why, AUDIT_REASON_LEN, "%s", hidden);
	else
		snprintf(why, AUDIT_REASON_LEN, "this kernel's symbols have no %s "
			 "(CONFIG_KALLSYMS_ALL)", symbol);
}

int snapshot__open(struct snapshot **out, char why[AUDIT_REASON_LEN])
{
	struct snapshot *s = calloc(1, sizeof(*s));
	const char *symbol;
	int err = s ? load(s) : -ENOMEM;

	if (!err)
		err = map_all(s);
	if (!err)
		err = program__run(s->skel->progs.locate);
	if (err) {
		snprintf(why, AUDIT_REASON_LEN, "the audit's programs do not load: %s",
			 load_error(err));
		snapshot__close(s);
		return err;
	}
	symbol = missing(&s->skel->bss->places);
	if (symbol) {
		explain_missing(symbol, why);
		snapshot__close(s);
		return -ENOKEY;
	}
	*out = s;
	return 0;
}

static void unmap(struct mapped *m)
{
	if (m->at)
		munmap(m->at, m->size);
}

void snapshot__close(struct snapshot *s)
{
	if (!s)
		return;
	moves__end(&s->moves);
	unmap(&s->seen);
	unmap(&s->flagged);
	unmap(&s->readonly);
	unmap(&s->again);
	audit_bpf__destroy(s->skel);
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

int snapshot__look(struct snapshot *s)
{
	struct xp_look *look = &s->skel->bss->look_at;
	int err;

	for (int try = 0; try < TRIES; try++) {
		err = program__run(s->skel->progs.roots);
		if (err)
			return err;
		if (!look->torn)
			break;
		usleep(PAUSE_US);
	}
	err = program__run(s->skel->progs.walk);
	if (err)
		return err;
	err = s->how == SCAN_LENT ? scan_lent(s) : program__run(scan_program(s));
	return err ?: program__run(s->skel->progs.scan_direct_map);
}

const struct xp_look *snapshot__what(const struct snapshot *s)
{
	return &s->skel->bss->look_at;
}

const struct xp_places *snapshot__places(const struct snapshot *s)
{
	return &s->skel->bss->places;
}

struct xp_seen *snapshot__tables(const struct snapshot *s)
{
	return s->seen.at;
}

const struct xp_flagged *snapshot__flagged(const struct snapshot *s)
{
	return s->flagged.at;
}

const struct xp_readonly *snapshot__readonly(const struct snapshot *s)
{
	return s->readonly.at;
}

int snapshot__add(struct snapshot *s, uint64_t pfn, uint32_t leave)
{
	struct xp_look *look = &s->skel->bss->look_at;
	struct xp_seen *table = (struct xp_seen *)s->seen.at + look->seen;

	if (look->seen + leave >= s->room)
		return -ENOSPC;
	*table = (struct xp_seen){ .pfn = pfn, .mfn = XP_NO_PFN, .parent = XP_NO_PARENT };
	return look->seen++;
}

static int run_on(struct snapshot *s, const struct bpf_program *program, const uint32_t *indices,
		  size_t n)
{
	uint64_t *list = s->again.at;

	if (n > s->room)
		return -ENOSPC;
	for (size_t i = 0; i < n; i++)
		list[i] = indices[i];
	s->skel->bss->again = n;
	return program__run(program);
}

int snapshot__again(struct snapshot *s, const uint32_t *indices, size_t n)
{
	return run_on(s, s->skel->progs.look, indices, n);
}

int snapshot__explain(struct snapshot *s, const uint32_t *indices, size_t n)
{
	return run_on(s, s->skel->progs.explain, indices, n);
}

int snapshot__follow(struct snapshot *s)
{
	return moves__begin(&s->moves, s->skel);
}

void snapshot__ignore(struct snapshot *s)
{
	moves__end(&s->moves);
}

const struct xp_moves *snapshot__moves(const struct snapshot *s)
{
	return &s->skel->bss->moves;
}

int snapshot__visit_cpus(struct snapshot *s)
{
	return moves__visit_cpus(s->skel);
}

bool snapshot__missed_moves(struct snapshot *s)
{
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

int snapshot__owners(struct snapshot *s, struct xp_owner **owners)
{
	char *bytes;
	ssize_t n = read_all(s->skel->progs.owners, &bytes);

	*owners = (struct xp_owner *)bytes;
	return n < 0 ? n : (int)(n / sizeof(**owners));
}

int snapshot__halfway(struct snapshot *s)
{
	char *bytes;
	ssize_t n = read_all(s->skel->progs.halfway, &bytes);

	free(bytes);
	return n;
}
