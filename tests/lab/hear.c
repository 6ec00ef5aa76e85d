// SPDX-License-Identifier: GPL-2.0-only
/*
 * `hear TRACEPOINT COMMAND...`: run COMMAND while an empty BPF program hears of TRACEPOINT, and
 * where the kernel counts runs (kernel.bpf_stats_enabled), say on stderr how many there were.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* return 0; */
static int load(void)
{
	static const struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)empty,
		.insn_cnt = sizeof(empty) / sizeof(*empty),
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static uint64_t runs(int program)
{
	struct bpf_prog_info info = {};
	union bpf_attr attr = {
		.info = { .bpf_fd = program, .info_len = sizeof(info), .info = (uintptr_t)&info },
	};

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) ? 0 : info.run_cnt;
}

int main(int argc, char **argv)
{
	union bpf_attr attr = {};
	int program, status;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: hear TRACEPOINT COMMAND...\n", stderr);
		return 2;
	}
	program = load();
	attr.raw_tracepoint.name = (uintptr_t)argv[1];
	attr.raw_tracepoint.prog_fd = program;
	if (program < 0 || bpf(BPF_RAW_TRACEPOINT_OPEN, &attr) < 0) {
		fprintf(stderr, "hear: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "hear: %s failed\n", argv[2]);
		return 1;
	}
	fprintf(stderr, "heard=%llu\n", (unsigned long long)runs(program));
	return 0;
}
