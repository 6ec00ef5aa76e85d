// SPDX-License-Identifier: GPL-2.0-only
/* Memory of the kernel's that user space fills, and where it is: for trees.c. */
#include "../../bpf/layouts.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} arena SEC(".maps");

__u64 address;

SEC("syscall") int locate(void *ctx)
{
	__u32 first = 0;

	address = (__u64)bpf_map_lookup_elem(&arena, &first);
	return 0;
}
