/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The least that can be done at every exec: it is counted, if it is of one user. */
#include "kernel.h"
#include <bpf/bpf_helpers.h>

const volatile __u32 wanted_uid;
__u64 execs;

SEC("raw_tracepoint/sched_process_exec")
int count_exec(void *ctx)
{
	if ((__u32)bpf_get_current_uid_gid() == wanted_uid)
		__sync_fetch_and_add(&execs, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
