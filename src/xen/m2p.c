// SPDX-License-Identifier: GPL-2.0-only
/* One hypercall tells which machine frames hold the table; they can be mapped like a guest's. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "m2p.h"

/* include/uapi/xen/privcmd.h */
struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

struct privcmd_mmapbatch_v2 {
	uint32_t num;
	uint16_t dom;
	uint64_t addr;
	const uint64_t *arr;
	int *err;
};

#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))
#define IOCTL_PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct privcmd_mmapbatch_v2))

/* xen/include/public/xen.h and memory.h */
#define HYPERVISOR_MEMORY_OP	 12
#define XENMEM_MACHPHYS_MFN_LIST 5
#define DOMID_XEN		 0x7ff2

struct xen_machphys_mfn_list {
	uint32_t max_extents;
	uint64_t extent_start;	/* guest handle */
	uint32_t nr_extents;
};

/* A part of the table: 2 MiB, which describes 1 GiB. */
#define PAGE		4096UL
#define EXTENT_PAGES	512
#define EXTENT_MFNS	(EXTENT_PAGES * PAGE / sizeof(uint64_t))
#define EXTENTS_MAX	16384	/* of a machine of 16 TiB */

/* Xen writes here through the guest's page tables: it must be there and stay. */
struct buffer {
	struct xen_machphys_mfn_list list;
	uint64_t extents[EXTENTS_MAX];
};

static int ask(int privcmd, struct buffer *b)
{
	struct privcmd_hypercall call = { HYPERVISOR_MEMORY_OP,
					  { XENMEM_MACHPHYS_MFN_LIST, (uintptr_t)&b->list } };

	b->list = (struct xen_machphys_mfn_list){
		.max_extents = EXTENTS_MAX, .extent_start = (uintptr_t)b->extents,
	};
	if (ioctl(privcmd, IOCTL_PRIVCMD_HYPERCALL, &call) < 0)
		return -errno;
	/* Maybe not all: what is not in there would look like another domain's. */
	return b->list.nr_extents < EXTENTS_MAX ? 0 : -E2BIG;
}

static int map_extents(int privcmd, const struct buffer *b, struct m2p *m2p)
{
	size_t pages = b->list.nr_extents * EXTENT_PAGES;
	uint64_t *mfns = malloc(pages * sizeof(*mfns));
	int *errors = calloc(pages, sizeof(*errors)), err = -ENOMEM;
	void *map = mmap(NULL, pages * PAGE, PROT_READ, MAP_SHARED, privcmd, 0);
	struct privcmd_mmapbatch_v2 batch = { pages, DOMID_XEN, (uintptr_t)map, mfns, errors };

	if (mfns && errors && map != MAP_FAILED) {
		for (size_t i = 0; i < pages; i++)
			mfns[i] = b->extents[i / EXTENT_PAGES] + i % EXTENT_PAGES;
		err = ioctl(privcmd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) < 0 ? -errno : 0;
	}
	free(mfns);
	free(errors);
	if (err && map != MAP_FAILED)
		munmap(map, pages * PAGE);
	if (!err)
		*m2p = (struct m2p){ map, b->list.nr_extents * EXTENT_MFNS };
	return err;
}

int m2p__map(struct m2p *m2p, char why[M2P_WHY])
{
	int privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC), err = -errno;
	struct buffer *b = MAP_FAILED;

	if (privcmd >= 0) {
		b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
		err = b == MAP_FAILED ? -errno : ask(privcmd, b);
	}
	if (!err)
		err = map_extents(privcmd, b, m2p);
	if (err)
		snprintf(why, M2P_WHY, "Xen's table of machine frames: %s", strerror(-err));
	if (b != MAP_FAILED)
		munmap(b, sizeof(*b));
	if (privcmd >= 0)
		close(privcmd);
	return err;
}

void m2p__unmap(struct m2p *m2p)
{
	if (m2p->pfns)
		munmap((void *)m2p->pfns, m2p->count * sizeof(*m2p->pfns));
	m2p->pfns = NULL;
}
