/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a task was before its exec: kept from the change of its name within execve to the end of that. */
#ifndef WHATRAN_BEFORE_BPF_H
#define WHATRAN_BEFORE_BPF_H

#include "fill.bpf.h"

/* What a task was before its exec. */
struct before {
	__u64 cap_effective;
	__u32 euid;
	__u32 egid;
	char comm[COMM_BYTES];
	__u64 seal; /* of all of the above, and of the exec that it is of */
};

#define BEFORES 4096 /* a power of 2 */

/*
 * From the change of the name within execve to the end of it, at the tid modulo BEFORES: of two
 * tasks at one place at the same moment, one finds that it has none. They may write and read there
 * in any order, on CPUs that see each other's stores in another, and stop half-way where tracepoints
 * are preemptible: so that what is found is of this exec, and whole, only its seal says. Rejected:
 * an LRU hash, which takes a tenth of all the time that an exec does.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BEFORES);
	__type(key, __u32);
	__type(value, struct before);
} befores SEC(".maps");

static __always_inline struct before *before_of(__u32 tid)
{
	__u32 place = tid % BEFORES;

	return bpf_map_lookup_elem(&befores, &place);
}

#define ODD_BITS 0x9e3779b97f4a7c15 /* 2^64 divided by the golden ratio */

/* Words of two records with one seal between them would be chance, one in 2^64. */
static __always_inline __u64 before_seal(const struct before *before, struct task_struct *task, __u64 exec_id)
{
	const __u64 *words = (const void *)before;
	__u64 seal = (task->start_boottime ^ exec_id) * ODD_BITS ^ (__u32)task->pid;

	for (__u32 i = 0; i < __builtin_offsetof(struct before, seal) / sizeof(*words); i++)
		seal = (seal ^ words[i]) * ODD_BITS;
	return seal;
}

static __always_inline void before__fill(struct before *dst, struct task_struct *task)
{
	const struct cred *cred = task->cred;
	struct before before = {};

	comm__fill(before.comm, task->comm, true);
	before.cap_effective = cap_effective(cred, true);
	before.euid = cred->euid.val;
	before.egid = cred->egid.val;
	/* begin_new_exec() counts the exec after it has changed the name. */
	before.seal = before_seal(&before, task, task->self_exec_id + 1);
	*dst = before;
}

/* Copies what the task was into the frame, if that is still there. */
static __always_inline void before__take(struct exec_frame *dst, struct task_struct *task, __u32 tid)
{
	const struct before *found = before_of(tid);
	struct before before;

	if (!found)
		return;
	before = *found;
	barrier(); /* what is checked is what is taken, not a second look */
	if (before.seal != before_seal(&before, task, task->self_exec_id)) {
		/* It may be another's, whom nobody may have asked for. */
		dst->head.unread |= UNREAD_BEFORE;
		return;
	}
	__builtin_memcpy(dst->prev_comm, before.comm, COMM_BYTES);
	dst->prev_cap_effective = before.cap_effective;
	dst->prev_euid = before.euid;
	dst->prev_egid = before.egid;
}

#endif
