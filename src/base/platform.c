// SPDX-License-Identifier: GPL-2.0-only
/* Where are we: sysfs tells the guest's kind, BTF and lockdown without any privilege. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "platform.h"
#include "privileges.h"

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (!f)
		return false;
	ok = fgets(line, size, f);
	fclose(f);
	if (ok)
		line[strcspn(line, "\n")] = 0;
	return ok;
}

static enum guest_kind guest_kind(void)
{
	static const char *const names[] = { [GUEST_PV] = "PV", [GUEST_HVM] = "HVM",
					     [GUEST_PVH] = "PVH" };
	char line[64];

	if (!read_line("/sys/hypervisor/type", line, sizeof(line)) || strcmp(line, "xen"))
		return GUEST_NONE;
	if (!read_line("/sys/hypervisor/guest_type", line, sizeof(line)))
		return GUEST_UNKNOWN;
	for (enum guest_kind g = GUEST_PV; g <= GUEST_PVH; g++)
		if (!strcmp(line, names[g]))
			return g;
	return GUEST_UNKNOWN;
}

/*
 * start_flags is newer than 6.1; xenfs must be mounted; the all-zero uuid is
 * domain 0's alone, but a control domain need not be domain 0.
 */
static bool is_dom0(void)
{
	char line[64];

	if (read_line("/sys/hypervisor/start_flags/initdomain", line, sizeof(line)))
		return line[0] == '1';
	if (read_line("/proc/xen/capabilities", line, sizeof(line)))
		return strstr(line, "control_d");
	return read_line("/sys/hypervisor/uuid", line, sizeof(line)) &&
	       !strcmp(line, "00000000-0000-0000-0000-000000000000");
}

void platform__read(struct platform *p)
{
	struct utsname uts;
	char line[128];

	memset(p, 0, sizeof(*p));
	p->guest = guest_kind();
	p->dom0 = p->guest == GUEST_PV && is_dom0();
	p->btf = !access("/sys/kernel/btf/vmlinux", R_OK);
	p->confidential = read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
			  strstr(line, "[confidentiality]");
	p->vcpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!uname(&uts))
		snprintf(p->kernel, sizeof(p->kernel), "%s", uts.release);
}

const char *platform__guest_name(enum guest_kind guest)
{
	switch (guest) {
	case GUEST_NONE:
		return "not a Xen guest";
	case GUEST_PV:
		return "Xen PV";
	case GUEST_HVM:
		return "Xen HVM";
	case GUEST_PVH:
		return "Xen PVH";
	case GUEST_UNKNOWN:
		break;
	}
	return "a Xen guest of unknown kind";
}

const char *platform__hides_symbols(void)
{
	char line[16];

	if (!read_line("/proc/sys/kernel/kptr_restrict", line, sizeof(line)) || atoi(line) < 2)
		return NULL;
	return "kernel.kptr_restrict=2 hides the addresses of the kernel's symbols from "
	       "everybody; `sysctl -w kernel.kptr_restrict=1` shows them to root";
}

const char *platform__obstacle(const struct platform *p)
{
	static char text[320];
	const char *caps;

	if (access("/sys/kernel", F_OK))
		return "nothing tells what this system is, for /sys is not mounted here; mount it "
		       "(mount -t sysfs none /sys)";
	if (access("/proc/self", F_OK))
		return "/proc is not mounted here, by which kernel types and symbols are found; "
		       "mount it (mount -t proc none /proc)";
	switch (p->guest) {
	case GUEST_NONE:
		return "this is not a Xen guest (/sys/hypervisor/type is not \"xen\": bare metal or "
		       "another hypervisor), nothing pins page tables here; run it in a PV dom0 or "
		       "PV domU";
	case GUEST_HVM:
	case GUEST_PVH:
		snprintf(text, sizeof(text),
			 "this is a %s guest: the hardware walks its page tables, Xen pins none of "
			 "them; run it in a PV dom0 or PV domU", platform__guest_name(p->guest));
		return text;
	case GUEST_UNKNOWN:
		return "this is a Xen guest, but /sys/hypervisor/guest_type does not say of which "
		       "kind; a kernel with CONFIG_XEN_SYS_HYPERVISOR of 4.13 or later does";
	case GUEST_PV:
		break;
	}
	if (!p->btf)
		return "this kernel has no type information (/sys/kernel/btf/vmlinux); it needs "
		       "CONFIG_DEBUG_INFO_BTF=y";
	if (p->confidential)
		return "the kernel is locked down (lockdown=confidentiality), which forbids BPF to "
		       "read kernel memory; boot with lockdown=integrity or none";
	caps = privileges__missing();
	if (caps) {
		snprintf(text, sizeof(text), "missing %s; run it as root, or give these capabilities",
			 caps);
		return text;
	}
	return NULL;
}
