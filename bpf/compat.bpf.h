/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only place that knows kernels differ. No version numbers: each getter asks
 * the running kernel's BTF what it has, newest form first.
 */
#ifndef WHATRAN_COMPAT_BPF_H
#define WHATRAN_COMPAT_BPF_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * A typed pointer is followed by loads; where the verifier has lost its type, a
 * helper has to read. "typed" is a constant where this is used, so only one is built.
 */
#define FOLLOW(typed, src, field) ((typed) ? (src)->field : BPF_CORE_READ(src, field))

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Linux commit 3aa63a569c64 ("fs: switch timespec64 fields in inode to discrete integers") (in v6.11) */
struct inode___v6_11 {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

/* Linux commit 13bc24457850 ("fs: rename i_ctime field to __i_ctime") (in v6.6) */
struct inode___v6_6 {
	struct timespec64 __i_ctime;
};

struct inode___v5 {
	struct timespec64 i_ctime;
};

/* Linux commit 763ecb035029 ("mm: remove the vma linked list") (in v6.1) removed both. */
struct vm_area_struct___list {
	struct vm_area_struct___list *vm_next;
	unsigned long vm_start;
	struct file *vm_file;
};

struct mm_struct___list {
	struct vm_area_struct___list *mmap;
};

/* Absent without CONFIG_AUDIT, CONFIG_TASK_XACCT and CONFIG_TASK_IO_ACCOUNTING. */
struct task_struct___audit {
	kuid_t loginuid;
	unsigned int sessionid;
};

struct task_io_accounting___chars {
	__u64 rchar;
	__u64 wchar;
};

struct task_io_accounting___bytes {
	__u64 read_bytes;
	__u64 write_bytes;
};

#pragma clang attribute pop

/* A dentry's name and the way up from it, which lie side by side in all kernels seen. */
struct link {
	struct dentry *parent;
	struct qstr name;
};

static __always_inline void dentry_link(struct link *dst, struct dentry *dentry)
{
	__u32 parent = bpf_core_field_offset(struct dentry, d_parent), name = bpf_core_field_offset(struct dentry, d_name);

	if (name == parent + sizeof(dst->parent)) {
		bpf_probe_read_kernel(dst, sizeof(*dst), (void *)dentry + parent);
	} else {
		bpf_probe_read_kernel(&dst->parent, sizeof(dst->parent), (void *)dentry + parent);
		bpf_probe_read_kernel(&dst->name, sizeof(dst->name), (void *)dentry + name);
	}
}

/*
 * "fs: add infrastructure for multigrain timestamps" (in v6.13) keeps a flag,
 * I_CTIME_QUERIED, in the top bit of the nanoseconds.
 */
#define CTIME_NSEC_MASK 0x7fffffffu

static __always_inline void inode_ctime(struct inode *inode, __s64 *sec, __u32 *nsec, bool typed)
{
	struct inode___v6_11 *v6_11 = (void *)inode;
	struct inode___v6_6 *v6_6 = (void *)inode;
	struct inode___v5 *v5 = (void *)inode;

	if (bpf_core_field_exists(v6_11->i_ctime_sec)) {
		*sec = FOLLOW(typed, v6_11, i_ctime_sec);
		*nsec = FOLLOW(typed, v6_11, i_ctime_nsec) & CTIME_NSEC_MASK;
	} else if (bpf_core_field_exists(v6_6->__i_ctime)) {
		*sec = FOLLOW(typed, v6_6, __i_ctime.tv_sec);
		*nsec = FOLLOW(typed, v6_6, __i_ctime.tv_nsec);
	} else {
		*sec = FOLLOW(typed, v5, i_ctime.tv_sec);
		*nsec = FOLLOW(typed, v5, i_ctime.tv_nsec);
	}
}

static __always_inline void task_audit(struct task_struct *task, __u32 *loginuid, __u32 *session)
{
	struct task_struct___audit *audit = (void *)task;

	*loginuid = ~0u;
	*session = ~0u;
	if (bpf_core_field_exists(audit->loginuid)) {
		*loginuid = audit->loginuid.val;
		*session = audit->sessionid;
	}
}

/*
 * "exit: move and extend sched_process_exit() tracepoint" (in v6.16) says with a
 * second argument whether the whole thread group is gone. The type is compared,
 * as a program that merely contains a read of an argument its tracepoint lacks
 * is refused.
 */
typedef void (*btf_trace_sched_process_exit___v6_16)(void *, struct task_struct *, bool);

static __always_inline bool exit_says_group_dead(void)
{
	return bpf_core_type_matches(btf_trace_sched_process_exit___v6_16);
}

#endif
