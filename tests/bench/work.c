// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads of the bench beside forks: work NAME COUNT prints nanoseconds a turn.
 *
 *	exec	a process that becomes $EXEC, a dynamic program, and ends
 *	maps	a page mapped where nothing is near, touched and unmapped: three page
 *		tables of a pinned tree come and go
 *	exit	the end of a process that has touched 1 GiB, COUNT times
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/clock.h"

#define PAGE	4096UL
#define FAR	((void *)0x100000000000)	/* in an L4 entry of its own */
#define HUGE	(1UL << 30)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status) {
		fputs("work: a child failed\n", stderr);
		exit(1);
	}
}

static uint64_t exec_once(void)
{
	uint64_t begin = now_ns();
	pid_t pid = fork_or_die();

	if (!pid) {
		execl(getenv("EXEC"), "true", NULL);
		die(getenv("EXEC"));
	}
	wait_for(pid);
	return now_ns() - begin;
}

static uint64_t maps_once(void)
{
	uint64_t begin = now_ns();
	char *page = mmap(FAR, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (page == MAP_FAILED)
		die("mmap");
	*page = 1;
	if (munmap(page, PAGE))
		die("munmap");
	return now_ns() - begin;
}

/* Of the child only its end counts. */
static uint64_t exit_once(void)
{
	int ready[2], go[2];
	uint64_t begin;
	char byte = 0;
	pid_t pid;

	if (pipe(ready) || pipe(go))
		die("pipe");
	pid = fork_or_die();
	if (!pid) {
		if (mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
			die("mmap");
		_exit(write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		fputs("work: no memory for a child of 1 GiB\n", stderr);
		exit(1);
	}
	begin = now_ns();
	if (write(go[1], &byte, 1) != 1)
		die("write");
	wait_for(pid);
	begin = now_ns() - begin;
	close(ready[0]);
	close(go[0]);
	close(go[1]);
	return begin;
}

static const struct {
	const char *name;
	uint64_t (*once)(void);
} works[] = { { "exec", exec_once }, { "maps", maps_once }, { "exit", exit_once } };

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[2]) : 0;

	for (size_t w = 0; count > 0 && w < sizeof(works) / sizeof(*works); w++) {
		uint64_t sum = 0;

		if (strcmp(works[w].name, argv[1]))
			continue;
		for (int i = 0; i < count; i++)
			sum += works[w].once();
		printf("%llu\n", (unsigned long long)(sum / count));
		return 0;
	}
	fputs("usage: work exec|maps|exit COUNT\n", stderr);
	return 2;
}
