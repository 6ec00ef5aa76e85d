// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicalls that Xen refuses in part:
 *
 *	insmod refuse.ko NAME=ADDRESS... end=1
 *
 * NAME=ADDRESS are the symbols below, as /proc/kallsyms has them.  The kernel's own functions
 * gather the entries and flush them, and say in the kernel's messages what failed.
 */
#include "module.h"

enum { MMU_UPDATE = 1, FPU_TASKSWITCH = 5, UPDATE_DESCRIPTOR = 10, UPDATE_VA_MAPPING = 14,
       SET_SEGMENT_BASE = 25, MMUEXT_OP = 26, NONE = 57 };
enum { PIN_L1_TABLE = 0, SET_LDT = 13 };

#define DOMID_SELF	0x7ff0
#define NO_FRAME	0xfee01UL	/* a message-signalled interrupt is sent there: it is no memory */
#define NO_SEGMENT	99
#define FULL		32

static u64 __xen_mc_entry, xen_mc_flush, xen_irq_disable_direct, xen_irq_enable_direct;

static const struct argument arguments[] = {
	{ "__xen_mc_entry", &__xen_mc_entry }, { "xen_mc_flush", &xen_mc_flush },
	{ "xen_irq_disable_direct", &xen_irq_disable_direct },
	{ "xen_irq_enable_direct", &xen_irq_enable_direct },
};

struct space {
	struct {
		u64 op, result, args[6];
	} *mc;
	u64 *args;
};

/* With room for @size bytes of arguments. */
static u64 *ask(u64 op, u64 arg0, u64 arg1, u64 size)
{
	struct space (*entry)(u64 size) = (void *)__xen_mc_entry;
	struct space space = entry(size);

	space.mc->op = op;
	space.mc->args[0] = size ? (u64)space.args : arg0;
	space.mc->args[1] = arg1;
	space.mc->args[2] = 0;
	space.mc->args[3] = DOMID_SELF;
	return space.args;
}

static void ask_mmuext(u64 command, u64 arg1, u64 arg2)
{
	u64 *op = ask(MMUEXT_OP, 0, 1, 24);

	op[0] = command;
	op[1] = arg1;
	op[2] = arg2;
}

static void ask_mmu_updates(u64 count)
{
	u64 *update = ask(MMU_UPDATE, 0, count, 16 * count);

	for (u64 i = 0; i < count; i++) {
		update[2 * i] = NO_FRAME << 12 | i * 8;
		update[2 * i + 1] = 0x1000 * i;
	}
}

static void flush(void)
{
	((void (*)(void))xen_mc_flush)();
}

/* Six of seven, each of another kind. */
static void ask_for_all_kinds(void)
{
	ask(UPDATE_VA_MAPPING, 0xdead000, 0x67, 0);
	ask_mmu_updates(3);
	ask(FPU_TASKSWITCH, 0, 0, 0);
	ask_mmuext(PIN_L1_TABLE, NO_FRAME, 0x1234);
	ask_mmuext(SET_LDT, 0x123, 8);
	ask(UPDATE_DESCRIPTOR, NO_FRAME << 12 | 8, 0, 0);
	ask(NONE, 0x11, 0x22, 0);
	flush();
}

static void ask_for_segments(u64 refused, u64 granted)
{
	for (u64 i = 0; i < refused; i++)
		ask(SET_SEGMENT_BASE, NO_SEGMENT, i, 0);
	for (u64 i = 0; i < granted; i++)
		ask(FPU_TASKSWITCH, 0, 0, 0);
	flush();
}

int init_module(void)
{
	take_arguments(arguments, sizeof(arguments) / sizeof(*arguments));
	if (!__xen_mc_entry || !xen_mc_flush || !xen_irq_disable_direct || !xen_irq_enable_direct)
		return -22;
	((void (*)(void))xen_irq_disable_direct)();
	flush();
	ask_for_all_kinds();
	/* The only entry of a buffer is no multicall. */
	ask_for_segments(1, 0);
	ask_for_segments(0, 5);
	ask_for_segments(3, 9);
	ask_for_segments(11, 1);
	ask_for_segments(FULL, 0);
	((void (*)(void))xen_irq_enable_direct)();
	return 0;
}

void cleanup_module(void)
{
}
