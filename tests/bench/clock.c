// SPDX-License-Identifier: GPL-2.0-only
/*
 * `clock [FILE [BYTES]]`: the guest's clock in nanoseconds, as soon as FILE is
 * there and holds BYTES; gives up after 20 s.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STEP_US	500
#define STEPS	40000

static int there(const char *path, long bytes)
{
	struct stat st;

	return !stat(path, &st) && st.st_size >= bytes;
}

int main(int argc, char **argv)
{
	long bytes = argc > 2 ? atol(argv[2]) : 0;
	struct timespec now;

	for (int i = 0; argc > 1 && !there(argv[1], bytes); i++) {
		if (i == STEPS) {
			fprintf(stderr, "clock: %s did not come\n", argv[1]);
			return 1;
		}
		usleep(STEP_US);
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec);
	return 0;
}
