/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the loader links into the BPF programs by number (src/source/programs.c):
 * libbpf would search the kernel's types, and those of all modules for what the
 * kernel does not have.
 */
#ifndef XENPIN_LINKED_H
#define XENPIN_LINKED_H

/* The address of the per-CPU variable mc_buffer, as a 64-bit constant. */
#define XP_LINK_MC_BUFFER	0x7870000078700000

/*
 * Calls of kfuncs without arguments, as helpers that no kernel has; where the
 * kernel does not have the kfunc, nothing is called.
 */
#define XP_LINK_PREEMPT_DISABLE	0x78700001
#define XP_LINK_PREEMPT_ENABLE	0x78700002

#endif
