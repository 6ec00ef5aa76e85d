/* SPDX-License-Identifier: GPL-2.0-only */
/* What this machine, kernel and user can do, before anything is loaded. */
#ifndef XENPIN_PLATFORM_H
#define XENPIN_PLATFORM_H

#include <stdbool.h>

enum guest_kind { GUEST_NONE, GUEST_PV, GUEST_HVM, GUEST_PVH, GUEST_UNKNOWN };

struct platform {
	enum guest_kind guest;
	bool dom0;		/* the control domain */
	bool btf;
	bool confidential;	/* lockdown=confidentiality */
	unsigned int vcpus;	/* online */
	char kernel[65];	/* uname -r */
};

void platform__read(struct platform *p);

const char *platform__guest_name(enum guest_kind guest);

/*
 * NULL when xenpin can trace here; otherwise a sentence: what is missing, on
 * what, and what to do.  Valid until the next call.
 */
const char *platform__obstacle(const struct platform *p);

/*
 * NULL when privileged programs learn the addresses of the kernel's symbols; otherwise a
 * sentence: what hides them, and what to do.
 */
const char *platform__hides_symbols(void);

#endif
