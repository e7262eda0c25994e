/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counts the system calls of one process. */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 wanted_pid;
__u64 calls;

SEC("raw_tracepoint/sys_enter")
int count_call(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == wanted_pid)
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
