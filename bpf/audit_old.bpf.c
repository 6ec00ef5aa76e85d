// SPDX-License-Identifier: GPL-2.0-only
/*
 * The audit for kernels without bpf_rdonly_cast(): libbpf would look for it in every
 * module, and to list these takes CAP_SYS_ADMIN.
 */
#define WITHOUT_CAST
#include "audit.bpf.c"
