// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process with many page tables of all levels, that does nothing until told
 * on stdin: "move" an L1 table (mremap of its 2 MiB), "unmap" all, "quit".
 * It answers each with a line.
 *
 * "victim exec" stays in the middle of execve(), for good: the new mm has page tables
 * then, with the first strings, and is not pinned yet.  "victim many" has more page
 * tables than an audit of a small guest has room for.  "victim ldt" has a small LDT, and a child
 * with a large one.
 */
#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define L2_SPAN		(1UL << 30)
#define L3_SPAN		(1UL << 39)
#define BASE		(1UL << 40)
#define REGION		(2 * MIB)

#define MANY		66000UL		/* L1 tables */

enum { L3S = 6, L2S = 3, L1S = 2 };

static char *map_at(unsigned long address)
{
	char *p = mmap((void *)address, REGION, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	*p = 1;
	return p;
}

static void each_region(void (*fn)(unsigned long address))
{
	for (unsigned long i = 0; i < L3S; i++)
		for (unsigned long j = 0; j < L2S; j++)
			for (unsigned long k = 0; k < L1S; k++)
				fn(BASE + i * L3_SPAN + j * L2_SPAN + k * REGION);
}

static void map_region(unsigned long address)
{
	map_at(address);
}

static void unmap_region(unsigned long address)
{
	munmap((void *)address, REGION);
}

/* Each region into the empty 2 MiB behind the pair that it is in. */
static void move_region(unsigned long address)
{
	unsigned long to = address + L1S * REGION;

	if (mremap((void *)address, REGION, REGION, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	    MAP_FAILED)
		perror("mremap");
}

static char *map_nothing(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *p = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	range.range.start = (unsigned long)p;
	range.range.len = REGION;
	if (p == MAP_FAILED || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
		perror("userfaultfd");
		exit(1);
	}
	return p;
}

/* An argument that is never there: whoever reads it waits for a fault to be served. */
static int exec_for_good(void)
{
	char *arguments[] = { "victim", map_nothing(), NULL };

	puts("ready");
	execv("/proc/self/exe", arguments);
	perror("execv");
	return 1;
}

/* To read is enough: the table is there then, and in it everybody's page of zeros. */
static int have_many(void)
{
	char *p = mmap(NULL, MANY * REGION, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	for (unsigned long i = 0; i < MANY; i++)
		*(volatile char *)(p + i * REGION);
	puts("ready");
	pause();
	return 0;
}

static void make_ldt(unsigned int entry)
{
	struct user_desc desc = { .entry_number = entry, .limit = 1, .seg_32bit = 1 };

	if (syscall(SYS_modify_ldt, 1, &desc, sizeof(desc))) {
		perror("modify_ldt");
		exit(1);
	}
}

/* One page of entries stands in the direct map, more of them elsewhere. */
static int have_ldts(void)
{
	make_ldt(0);
	if (!fork()) {
		make_ldt(LDT_ENTRIES - 1);
		puts("ready");
	}
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	char line[16];

	setlinebuf(stdout);
	if (argc > 1 && !strcmp(argv[1], "ldt"))
		return have_ldts();
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return exec_for_good();
	if (argc > 1 && !strcmp(argv[1], "many"))
		return have_many();
	each_region(map_region);
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		if (!strcmp(line, "move\n"))
			each_region(move_region);
		else if (!strcmp(line, "unmap\n"))
			each_region(unmap_region);
		else if (!strcmp(line, "quit\n"))
			return 0;
		puts("done");
	}
	return 0;
}
