// SPDX-License-Identifier: GPL-2.0-only
/*
 * When PagePinned of the boot page tables is set: by the after-bootmem hook, or,
 * on request, at the hand-over of boot memory, as was done before that hook
 * existed: while the struct pages of reserved memory in the deferred range are
 * still to be initialised, which wipes out the flag.
 */
#include <linux/init.h>
#include <linux/panic.h>
#include <linux/string.h>

#include "xenpin_internal.h"

static enum xp_log_mode marking_mode __initdata = XP_MODE_HOOK;

static const char * const marking_modes[] __initconst = {
	[XP_MODE_HOOK]		= "hook",
	[XP_MODE_EARLY]		= "early",
	[XP_MODE_REPAIR]	= "repair",
};

static int __init xenpin_marking_setup(char *arg)
{
	int mode = match_string(marking_modes, ARRAY_SIZE(marking_modes), arg ?: "");

	if (mode < 0) {
		pr_warn("xenpin.pinned=%s: not one of hook, early, repair; using hook\n",
			arg ?: "");
		mode = XP_MODE_HOOK;
	}
	marking_mode = mode;
	return 0;
}
early_param("xenpin.pinned", xenpin_marking_setup);

static void (*mark_boot_tables)(void) __initdata;

/* Is it to be otherwise than by the hook?  The hooks must be there then, whatever else fails. */
bool __init xenpin_marking_begin(void (*mark)(void))
{
	if (marking_mode == XP_MODE_HOOK)
		return false;
	mark_boot_tables = mark;
	static_branch_inc(&xenpin_key);
	return true;
}

void __init xenpin_mark_early(void)
{
	if (!mark_boot_tables)
		return;
	pr_warn("xenpin.pinned: marking page tables too early, on request\n");
	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	mark_boot_tables();
}

enum xp_log_mode __init xenpin_marking_mode(void)
{
	return marking_mode;
}

bool __init xenpin_hook_marks(void)
{
	return marking_mode != XP_MODE_EARLY;
}
