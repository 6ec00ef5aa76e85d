// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signals.h"
#include "child.h"

static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return -EACCES;
	return 0;
}

/* As execvp() will look for it: say it before anything is attached. */
static int look_up(const char *name)
{
	const char *path = getenv("PATH") ?: "/bin:/usr/bin";
	char *copy = strdupa(path), *dir, full[4096];

	if (strchr(name, '/'))
		return executable(name);
	while ((dir = strsep(&copy, ":"))) {
		snprintf(full, sizeof(full), "%s/%s", *dir ? dir : ".", name);
		if (!executable(full))
			return 0;
	}
	return -ENOENT;
}

static void run(int gate, int failed, char **argv)
{
	char go;
	int err;

	signals__restore();
	if (read(gate, &go, 1) != 1)
		_exit(0);
	execvp(argv[0], argv);
	err = errno;
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int child__start(struct child *child, char **argv)
{
	int gate[2], failed[2], err = look_up(argv[0]);

	child->pid = 0;
	if (err)
		return err;
	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(failed, O_CLOEXEC)) {
		err = -errno;
		goto close_gate;
	}
	child->pid = fork();
	if (child->pid < 0) {
		err = -errno;
		child->pid = 0;
		goto close_failed;
	}
	if (!child->pid) {
		close(gate[1]);
		close(failed[0]);
		run(gate[0], failed[1], argv);
	}
	close(gate[0]);
	close(failed[1]);
	child->gate = gate[1];
	child->failed = failed[0];
	return 0;
close_failed:
	close(failed[0]);
	close(failed[1]);
close_gate:
	close(gate[0]);
	close(gate[1]);
	return err;
}

int child__go(struct child *child)
{
	int err = 0;

	if (!child->pid)
		return 0;
	if (write(child->gate, "", 1) != 1 ||
	    read(child->failed, &err, sizeof(err)) < 0)
		err = errno;
	close(child->gate);
	close(child->failed);
	return -err;
}

void child__cancel(struct child *child)
{
	if (!child->pid)
		return;
	close(child->gate);
	close(child->failed);
	waitpid(child->pid, NULL, 0);
	child->pid = 0;
}
