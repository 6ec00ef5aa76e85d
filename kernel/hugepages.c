// SPDX-License-Identifier: GPL-2.0-only
/*
 * A compiler's memory in huge pages: preloaded while a kernel is built.
 *
 * gcc takes its memory by mmap(), 2 MiB at a time, and a run of it faults in
 * 25,000 pages of it one by one.  Where huge pages are only for those who ask
 * (transparent_hugepage "madvise"), this asks; elsewhere it changes nothing.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE_PAGE (2UL << 20)

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *p = (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);

	if (p != MAP_FAILED && flags & MAP_ANONYMOUS && length >= HUGE_PAGE)
		madvise(p, length, MADV_HUGEPAGE);
	return p;
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));
