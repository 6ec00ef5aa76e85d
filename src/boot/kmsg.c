// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmsg.h"

void kmsg__line(struct kmsg *k, const char *record)
{
	unsigned long long number, us, ms;
	unsigned int node;
	const char *text = strchr(record, ';');
	int whole = 0;

	if (!text || sscanf(record, "%*u,%llu,%llu,", &number, &us) != 2)
		return;
	text++;
	if (!number) {
		k->complete = true;
		k->first = us * 1000;
	}
	if (!strncmp(text, "Memory: ", 8) && !k->memory)
		k->memory = us * 1000;
	else if (!strncmp(text, "Run ", 4) && strstr(text, " as init process") && !k->init)
		k->init = us * 1000;
	else if (sscanf(text, "node %u deferred pages initialised in %llums%n", &node, &ms,
			&whole) == 2 && whole && k->nr_nodes < KMSG_NODES)
		k->nodes[k->nr_nodes++] = (struct kmsg_node){ node, ms, us * 1000 };
}

int kmsg__read(struct kmsg *k)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char record[8192];
	ssize_t n;

	memset(k, 0, sizeof(*k));
	if (fd < 0)
		return -errno;
	/* -EPIPE: the record was overwritten while we were on the way to it. */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = 0;
		kmsg__line(k, record);
	}
	close(fd);
	return 0;
}

uint64_t kmsg__deferred_ns(const struct kmsg *k)
{
	uint64_t ms = 0;

	for (unsigned int i = 0; i < k->nr_nodes; i++)
		ms = k->nodes[i].ms > ms ? k->nodes[i].ms : ms;
	return ms * 1000000;
}

bool kmsg__has_deferred(const struct kmsg *k)
{
	return k->nr_nodes || k->complete;
}

static bool in_deferred(const struct kmsg *k, uint64_t t)
{
	for (unsigned int i = 0; i < k->nr_nodes; i++)
		if (t <= k->nodes[i].end && t + k->nodes[i].ms * 1000000 >= k->nodes[i].end)
			return true;
	return false;
}

void boot_ftrace__line(struct boot_ftrace *f, const struct kmsg *k, const char *line)
{
	/* "task-pid [cpu] flags seconds.us: event: ..." */
	const char *event = strstr(line, ": xen_mmu_"), *cpu = strchr(line, '[');
	double seconds;
	uint64_t t;

	if (strstr(line, "LOST") && strstr(line, "EVENTS"))
		f->overwritten = true;
	if (!event || !cpu || sscanf(cpu, "[%*d] %*s %lf", &seconds) != 1 ||
	    !(seconds >= 0 && seconds < 1e9))
		return;
	t = seconds * 1e9;
	if (k->init && t > k->init)
		return;
	event += 2;
	if (!strncmp(event, "xen_mmu_alloc_ptpage:", 21))
		f->allocs++;
	else if (!strncmp(event, "xen_mmu_release_ptpage:", 23))
		f->releases++;
	else
		return;
	f->there = true;
	f->deferred += in_deferred(k, t);
}

static FILE *open_ring(void)
{
	FILE *in = fopen("/sys/kernel/tracing/trace", "re");

	return in ?: fopen("/sys/kernel/debug/tracing/trace", "re");
}

void boot_ftrace__read(struct boot_ftrace *f, const struct kmsg *k)
{
	FILE *in = open_ring();
	unsigned long long kept, written;
	char *line = NULL;
	size_t size = 0;

	memset(f, 0, sizeof(*f));
	while (in && getline(&line, &size, in) > 0) {
		if (sscanf(line, "# entries-in-buffer/entries-written: %llu/%llu", &kept,
			   &written) == 2 && kept < written)
			f->overwritten = true;
		else if (*line != '#')
			boot_ftrace__line(f, k, line);
	}
	free(line);
	if (in)
		fclose(in);
}
