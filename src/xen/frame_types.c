// SPDX-License-Identifier: GPL-2.0-only
/* Two hypercalls through privcmd, their structures by Xen's public ABI. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "frame_types.h"

/* include/uapi/xen/privcmd.h */
struct privcmd_hypercall {
	uint64_t op;
	uint64_t arg[5];
};

#define IOCTL_PRIVCMD_HYPERCALL _IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))

/* xen/include/public/xen.h, memory.h and domctl.h */
#define HYPERVISOR_MEMORY_OP		12
#define HYPERVISOR_DOMCTL		36
#define XENMEM_MAXIMUM_RAM_PAGE		2
#define XEN_DOMCTL_GETPAGEFRAMEINFO3	61
#define PFINFO_LTAB_SHIFT		28
#define PFINFO_LTAB_MASK		7U
#define PFINFO_LPINTAB			(1U << 31)
#define PFINFO_INVALID			13U	/* and all above: broken, being allocated, not there */

struct xen_domctl {
	uint32_t cmd;
	uint32_t interface_version;
	uint16_t domain;
	uint16_t pad[3];
	union {
		struct {
			uint64_t num;
			uint64_t array;	/* guest handle */
		} getpageframeinfo3;
		uint8_t pad[128];
	} u;
};

_Static_assert(sizeof(struct xen_domctl) == 144, "public ABI");

/* A call takes so many frames, since Xen 4.3 ("x86: getpageframeinfo3 …", xen/arch/x86/domctl.c). */
#define FRAMES_MAX 1024

/* Interface versions of Xen 4.11 to 4.21, and some to come: the call itself is the same in all. */
#define VERSION_MIN 0x10
#define VERSION_MAX 0x20

#define PAGE 4096UL

/* Xen reads and writes it through the guest's page tables: it must not move or be swapped. */
struct buffer {
	struct xen_domctl domctl;
	uint64_t frames[FRAMES_MAX];
};

struct xen {
	int privcmd;
	uint32_t version;
	struct buffer *buffer;
	size_t size;
};

/* Returns Xen's answer, or -errno. */
static int64_t hypercall(struct xen *xen, uint64_t op, uint64_t arg0, uint64_t arg1)
{
	struct privcmd_hypercall call = { op, { arg0, arg1 } };
	int64_t answer = ioctl(xen->privcmd, IOCTL_PRIVCMD_HYPERCALL, &call);

	return answer < 0 ? -errno : answer;
}

static int ask(struct xen *xen, uint16_t domain, size_t n)
{
	struct buffer *b = xen->buffer;

	b->domctl = (struct xen_domctl){
		.cmd = XEN_DOMCTL_GETPAGEFRAMEINFO3,
		.interface_version = xen->version,
		.domain = domain,
		.u.getpageframeinfo3 = { n, (uintptr_t)b->frames },
	};
	return hypercall(xen, HYPERVISOR_DOMCTL, (uintptr_t)&b->domctl, 0);
}

/* /dev/xen/hypercall's memory is never migrated; before Linux 4.18 there was none. */
static int map_buffer(struct xen *xen)
{
	int fd = open("/dev/xen/hypercall", O_RDWR | O_CLOEXEC), err;

	xen->size = (sizeof(*xen->buffer) + PAGE - 1) & ~(PAGE - 1);
	if (fd >= 0)
		xen->buffer = mmap(NULL, xen->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	else
		xen->buffer = mmap(NULL, xen->size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
	err = xen->buffer == MAP_FAILED ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err)
		xen->buffer = NULL;
	return err;
}

/* A wrong version is answered with -EACCES, whatever was asked. */
static int find_version(struct xen *xen)
{
	int err = -EACCES;

	for (xen->version = VERSION_MIN; xen->version <= VERSION_MAX; xen->version++) {
		xen->buffer->frames[0] = 0;
		err = ask(xen, XEN_DOM0, 1);
		if (err != -EACCES)
			return err;
	}
	return err;
}

int xen__open(struct xen **out, char why[XEN_REASON_LEN])
{
	struct xen *xen = calloc(1, sizeof(*xen));
	int err = -ENOMEM;

	if (!xen) {
		strcpy(why, "no memory");
		return err;
	}
	xen->privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
	if (xen->privcmd < 0) {
		err = -errno;
		snprintf(why, XEN_REASON_LEN, "/dev/xen/privcmd: %s%s", strerror(-err),
			 err == -ENOENT ? " (modprobe xen_privcmd)" : "");
		goto fail;
	}
	err = map_buffer(xen);
	if (err) {
		snprintf(why, XEN_REASON_LEN, "no memory for hypercalls: %s", strerror(-err));
		goto fail;
	}
	err = find_version(xen);
	if (err) {
		snprintf(why, XEN_REASON_LEN, "Xen refuses to tell frame types: %s",
			 err == -EACCES ? "no domctl version from 0x10 to 0x20 is its own" :
					  strerror(-err));
		goto fail;
	}
	*out = xen;
	return 0;
fail:
	xen__close(xen);
	return err;
}

void xen__close(struct xen *xen)
{
	if (!xen)
		return;
	if (xen->buffer)
		munmap(xen->buffer, xen->size);
	if (xen->privcmd >= 0)
		close(xen->privcmd);
	free(xen);
}

uint32_t xen__version(const struct xen *xen)
{
	return xen->version;
}

static uint8_t decode(uint32_t info)
{
	uint32_t type = info >> PFINFO_LTAB_SHIFT;

	if ((type & ~8U) <= XEN_T_L4)
		return (type & PFINFO_LTAB_MASK) | (info & PFINFO_LPINTAB ? XEN_T_PINNED : 0);
	return type >= PFINFO_INVALID ? XEN_T_FOREIGN : XEN_T_NONE;
}

int xen__types(struct xen *xen, uint16_t domain, const uint64_t *mfns, uint8_t *types, size_t n)
{
	uint64_t *frames = xen->buffer->frames;

	for (size_t at = 0, some; at < n; at += some) {
		int err;

		some = n - at < FRAMES_MAX ? n - at : FRAMES_MAX;
		memcpy(frames, mfns + at, some * sizeof(*mfns));
		err = ask(xen, domain, some);
		if (err)
			return err;
		for (size_t i = 0; i < some; i++)
			types[at + i] = decode(frames[i]);
	}
	return 0;
}

int64_t xen__max_mfn(struct xen *xen)
{
	return hypercall(xen, HYPERVISOR_MEMORY_OP, XENMEM_MAXIMUM_RAM_PAGE, 0);
}
