// SPDX-License-Identifier: GPL-2.0-only
/* Capabilities: which are needed, and giving them up.  The user id is never the question. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "privileges.h"

static const struct {
	cap_value_t cap;
	const char *name;
} needed[] = {
	{ CAP_BPF, "CAP_BPF" },		/* load programs */
	{ CAP_PERFMON, "CAP_PERFMON" },	/* that read kernel memory, and attach them */
	{ CAP_SYSLOG, "CAP_SYSLOG" },	/* find kernel symbols */
};

bool privileges__has(int cap)
{
	cap_flag_value_t set = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps)
		cap_get_flag(caps, cap, CAP_EFFECTIVE, &set);
	cap_free(caps);
	return set == CAP_SET;
}

const char *privileges__missing(void)
{
	static char names[64];
	int len = 0;

	names[0] = 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!privileges__has(needed[i].cap))
			len += snprintf(names + len, sizeof(names) - len, "%s%s", len ? " " : "",
					needed[i].name);
	return len ? names : NULL;
}

int privileges__later_access(const char *path, int mode)
{
	cap_t now = cap_get_proc(), later = cap_get_proc();
	int err = 0;

	/* Those that are permitted stay so: they come back. */
	if (!now || !later || cap_clear_flag(later, CAP_EFFECTIVE) || cap_set_proc(later) ||
	    faccessat(AT_FDCWD, path, mode, AT_EACCESS))
		err = -errno;
	if (now && cap_set_proc(now) && !err)
		err = -errno;
	cap_free(now);
	cap_free(later);
	return err;
}

int privileges__drop(void)
{
	cap_t none = cap_init();
	int err = 0;

	if (!none)
		return -errno;
	/* Root regains capabilities at exec: not after this. */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || cap_reset_ambient() || cap_set_proc(none))
		err = -errno;
	cap_free(none);
	return err;
}
