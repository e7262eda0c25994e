/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which records are wanted: decided before anything is gathered. */
#ifndef WHATRAN_FILTER_BPF_H
#define WHATRAN_FILTER_BPF_H

#include "maps.bpf.h"

/*
 * One byte of enum scope for each pid there can be (PID_MAX_LIMIT is 4 Mi on
 * 64-bit kernels). A table in place of a hash: never full, one load to ask, and
 * the reader sets bytes through mmap while the kernel sets others, which it
 * could not do by replacing whole values. Rows, as an array rounds its values up
 * to 8 bytes.
 */
#define PIDS_ROW_BYTES 4096
#define PIDS_ROWS 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PIDS_ROWS); /* 1 where nothing is scoped, set before load */
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u8[PIDS_ROW_BYTES]);
} pids SEC(".maps");

static __always_inline __u8 *scope_of(__u32 pid)
{
	__u32 row = pid / PIDS_ROW_BYTES;
	__u8 *bytes = bpf_map_lookup_elem(&pids, &row);

	return bytes ? bytes + pid % PIDS_ROW_BYTES : NULL;
}

/*
 * A child is in scope when its creator's tree is; later reparenting changes nothing.
 * The entry is written for every new process, so what its pid's last owner was does
 * not count, and an exit need not clear anything.
 */
static __always_inline void scope_inherit(__u32 parent, __u32 child)
{
	__u8 *from, *to;

	if (!settings.use_pids)
		return;
	from = scope_of(parent);
	to = scope_of(child);
	if (!from || !to)
		return;
	if (*from & SCOPE_OUT)
		*to = SCOPE_OUT;
	else
		*to = *from & SCOPE_TREE ? SCOPE_SELF | SCOPE_TREE : 0;
}

/*
 * The command to be followed tells us itself which process it is, by taking a name
 * that nobody else has: its pid as its starter knows it may be of an inner namespace.
 */
static __always_inline void scope_command(__u32 pid, const char *new_comm)
{
	const volatile __u64 *wanted = (const volatile void *)settings.command;
	__u64 comm[COMM_BYTES / 8] = {};
	__u8 *scope;

	if (!settings.command[0])
		return;
	bpf_probe_read_kernel_str(comm, sizeof(comm), new_comm);
	if (comm[0] != wanted[0] || comm[1] != wanted[1])
		return;
	scope = scope_of(pid);
	if (scope)
		*scope = SCOPE_SELF | SCOPE_TREE;
}

/* cgroups of the v2 hierarchy: the first half wanted, the second not, each with all below it. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 2 * SETTINGS_CGROUPS);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

static __always_inline bool in_cgroups(__u32 from, __u32 count)
{
	for (__u32 i = 0; i < SETTINGS_CGROUPS; i++)
		if (i < count && bpf_current_task_under_cgroup(&cgroups, from + i) == 1)
			return true;
	return false;
}

static __always_inline bool in_scope(__u32 kind, __u32 pid)
{
	__u8 bits = 0, *scope = NULL;

	if (settings.use_pids) {
		scope = scope_of(pid);
		if (scope)
			bits = *scope;
	}
	if (bits & SCOPE_OUT || in_cgroups(SETTINGS_CGROUPS, settings.not_cgroup_count))
		return false;
	if (!settings.scoped || bits & SCOPE_SELF || (kind == FRAME_EXIT && bits & SCOPE_END))
		return true;
	if (!in_cgroups(0, settings.cgroup_count))
		return false;
	if (scope)
		*scope |= SCOPE_END;
	return true;
}

/* A child begins in its creator's cgroup; its end is told also where it moves at once. */
static __always_inline void scope_child_of_cgroup(__u32 child)
{
	__u8 *scope;

	if (!settings.cgroup_count || !in_cgroups(0, settings.cgroup_count))
		return;
	scope = scope_of(child);
	if (scope)
		*scope |= SCOPE_END;
}

static __always_inline bool uid_wanted(void)
{
	__u32 uid = bpf_get_current_uid_gid();

	for (__u32 i = 0; i < SETTINGS_UIDS; i++)
		if (i < settings.uid_count && settings.uids[i] == uid)
			return !settings.uids_unwanted;
	return settings.uid_count == 0 || settings.uids_unwanted;
}

static __always_inline bool comm_wanted(void)
{
	__u64 comm[COMM_BYTES / 8] = {};

	if (settings.comm_count == 0)
		return true;
	bpf_get_current_comm(comm, sizeof(comm));
	for (__u32 i = 0; i < SETTINGS_COMMS; i++) {
		const volatile __u64 *wanted = (const volatile void *)settings.comms[i];

		if (i < settings.comm_count && wanted[0] == comm[0] && wanted[1] == comm[1])
			return !settings.comms_unwanted;
	}
	return settings.comms_unwanted;
}

/* What a cgroup has had sent in one second. */
struct share {
	__u64 second;
	__u32 records[FRAME_KINDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* id of the cgroup */
	__type(value, struct share);
} shares SEC(".maps");

/* Whether the current cgroup may send one more of these in this second; where not, it is counted. */
static __always_inline bool within_rate(__u32 kind)
{
	__u64 cgroup, second;
	struct counters *counters;
	struct share *share;

	if (!settings.rate_limit)
		return true;
	cgroup = bpf_get_current_cgroup_id();
	second = bpf_ktime_get_ns() / 1000000000;
	share = bpf_map_lookup_elem(&shares, &cgroup);
	if (!share || share->second != second) {
		struct share first = { .second = second };

		bpf_map_update_elem(&shares, &cgroup, &first, BPF_ANY);
		share = bpf_map_lookup_elem(&shares, &cgroup);
		if (!share)
			return true;
	}
	if (share->records[kind] < settings.rate_limit) {
		__sync_fetch_and_add(&share->records[kind], 1);
		return true;
	}
	counters = counters_of(kind);
	if (counters)
		__sync_fetch_and_add(&counters->limited, 1);
	return false;
}

/* Whether a record of this kind about the current process is to be sent. */
static __always_inline bool wanted(__u32 kind, __u32 pid)
{
	return settings.kinds & (1 << kind) && in_scope(kind, pid) && within_rate(kind);
}

/*
 * Whether all of an exec is to be gathered. Of others the reader is told in short that they
 * were, as it knows else neither whose child is who, nor what a search of PATH came to, nor
 * which records were lost.
 */
static __always_inline bool wanted_whole(void)
{
	return uid_wanted() && comm_wanted();
}

#endif
