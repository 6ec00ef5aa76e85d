// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "base/xenpin.h"
#include "until.h"

int until__begin(struct until *u, char **cmd)
{
	*u = (struct until){ .cmd = cmd, .end_ns = UINT64_MAX, .signals = signals__catch(SIGCHLD) };
	return cmd ? child__start(&u->child, cmd) : 0;
}

int until__go(struct until *u, uint64_t duration_ns)
{
	u->went = true;
	if (duration_ns)
		u->end_ns = now_ns() + duration_ns;
	return child__go(&u->child);
}

static bool child_ended(struct until *u)
{
	int status;

	if (!u->child.pid || waitpid(u->child.pid, &status, WNOHANG) != u->child.pid)
		return false;
	u->child.pid = 0;
	if (WIFSIGNALED(status))
		say("%s was killed by signal %d", u->cmd[0], WTERMSIG(status));
	else if (WEXITSTATUS(status))
		say("%s exited with %d", u->cmd[0], WEXITSTATUS(status));
	return true;
}

bool until__over(struct until *u, int timeout_ms)
{
	struct pollfd poll_signals = { .fd = u->signals, .events = POLLIN };
	struct signalfd_siginfo info;
	uint64_t now = now_ns();

	if (now >= u->end_ns)
		return true;
	if (u->end_ns - now < timeout_ms * 1000000ULL)
		timeout_ms = (u->end_ns - now) / 1000000 + 1;
	if (poll(&poll_signals, 1, timeout_ms) <= 0 ||
	    read(u->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGTERM)
		signals__leave();
	return info.ssi_signo != SIGCHLD || child_ended(u);
}

void until__end(struct until *u)
{
	if (!u->went)
		child__cancel(&u->child);
	else if (u->child.pid && !waitpid(u->child.pid, NULL, WNOHANG))
		say("%s (pid %d) was left running", u->cmd[0], u->child.pid);
	close(u->signals);
}
