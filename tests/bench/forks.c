// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload: COUNT times fork, exit, wait.  Prints nanoseconds per turn;
 * `-q` only does the work.  Static and small, so that a fork copies little else
 * than page tables.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	int quiet = argc > 1 && !strcmp(argv[1], "-q");
	int count = argc > 1 + quiet ? atoi(argv[1 + quiet]) : 0;
	long long begin;

	if (count < 1) {
		fputs("usage: forks [-q] COUNT\n", stderr);
		return 2;
	}
	begin = now_ns();
	for (int i = 0; i < count; i++)
		turn();
	if (!quiet)
		printf("%lld\n", (now_ns() - begin) / count);
	return 0;
}
