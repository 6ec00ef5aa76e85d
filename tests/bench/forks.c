// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload: COUNT times fork, exit, wait.  Prints nanoseconds per turn;
 * `-q` only does the work.  Static and small, so that a fork copies little else
 * than page tables: a few, or TABLES more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/base/clock.h"

static void turn(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid) {
		perror("forks");
		exit(1);
	}
}

/* A page in each L1 table's part of a mapping. */
static void make_tables(int tables)
{
	size_t each = 2 << 20, size = tables * each;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("forks");
		exit(1);
	}
	for (size_t at = 0; at < size; at += each)
		p[at] = 1;
}

int main(int argc, char **argv)
{
	int quiet = argc > 1 && !strcmp(argv[1], "-q");
	int count = argc > 1 + quiet ? atoi(argv[1 + quiet]) : 0;
	uint64_t begin;

	if (count < 1) {
		fputs("usage: forks [-q] COUNT [TABLES]\n", stderr);
		return 2;
	}
	if (argc > 2 + quiet)
		make_tables(atoi(argv[2 + quiet]));
	begin = now_ns();
	for (int i = 0; i < count; i++)
		turn();
	if (!quiet)
		printf("%llu\n", (unsigned long long)((now_ns() - begin) / count));
	return 0;
}
