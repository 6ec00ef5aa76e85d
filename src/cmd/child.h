/* SPDX-License-Identifier: GPL-2.0-only */
/* The command behind "--": started before probes are attached, held until they are armed. */
#ifndef XENPIN_CHILD_H
#define XENPIN_CHILD_H

#include <sys/types.h>

struct child {
	pid_t pid;	/* 0: none */
	int gate;	/* writing lets it go; closing makes it leave */
	int failed;	/* reading tells an errno of exec; end of file means it runs */
};

/* Returns 0 or -errno: -ENOENT and -EACCES are about argv[0]. */
int child__start(struct child *child, char **argv);

/* Let it run.  Returns 0, or -errno when it could not be executed. */
int child__go(struct child *child);

/* It never ran and shall not. */
void child__cancel(struct child *child);

#endif
