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
 * helper has to read. "typed" is a constant to the verifier, which looks at one only.
 *
 * A load through a pointer to nothing gives zero, by the table of exceptions that comes with a program. But before 6.4 that of
 * a program with functions is not found, and the kernel crashes (tried: 5.10.262; "bpf: ensure main program has an extable"):
 * in such a program loads are for the current task alone, whose memory nobody gives up, and whoever may be ending meanwhile
 * is read by helpers, which do not fault.
 */
#define FOLLOW(typed, src, field) ((typed) ? (src)->field : BPF_CORE_READ(src, field))

/*
 * A pointer that is only to be followed, not to be given to helpers that want a trusted one: also one whose type was lost
 * can be cast to it, and then be followed by loads. Whatever pointer is read
 * out of a trusted one, the verifier asks four times whether that is trusted too (Linux commit 57539b1c0ac2, "bpf:
 * Enable annotating trusted nested pointers", in v6.3), and each time goes through all the types that the kernel has:
 * that was more than half of what loading took. What is cast is not trusted (a35b9af4ec2c, "bpf: Add a kfunc for generic
 * type cast", in v6.2). "modern" is a constant: kernels before 5.16 refuse to call what they do not have, even in code
 * that is never reached.
 */
extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

#define CASTS(modern) ((modern) && bpf_rdonly_cast)
#define CAST(type, pointer) ((type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(type)))
#define PLAIN(modern, type, pointer) (CASTS(modern) ? CAST(type, pointer) : (pointer))

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

/* Linux commit 633488947ef6 ("kernfs: Use RCU to access kernfs_node::parent") (in v6.15) */
struct kernfs_node___v6_15 {
	struct kernfs_node *__parent;
};

struct kernfs_node___v5 {
	struct kernfs_node *parent;
};

/* Linux commit 372a34e66fb7 ("fs: replace f_rcuhead with f_task_work") (in v6.8) */
struct file___v6_8 {
	struct callback_head f_task_work;
};

/* Its union has had no name since v6.0. */
struct file___v6_0 {
	struct callback_head f_rcuhead;
};

struct file___v5 {
	union {
		struct callback_head fu_rcuhead;
	} f_u;
};

/* Where a short name lies has another name since v6.15. */
union shortname_store {
	unsigned char string[1];
};

struct dentry___v6_15 {
	union shortname_store d_shortname;
};

struct dentry___v5 {
	unsigned char d_iname[1];
};

/* A system call's registers; whoever has the one has not the other. */
struct pt_regs___x86 {
	unsigned long di, si, dx, r10;
	unsigned long orig_ax;
};

struct thread_info___x86 {
	__u32 status;
};

struct task_struct___x86 {
	struct thread_info___x86 thread_info;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 pstate;
	__u64 orig_x0;
	__s32 syscallno;
};

#pragma clang attribute pop

/* A short name lies in its dentry (DNAME_INLINE_LEN): as words, to be copied with few steps. */
#define SHORT_NAME_WORDS 5

/* A dentry's name and the way up from it, which lie side by side in all kernels seen. */
struct link {
	struct dentry *parent;
	struct qstr name;
	struct inode *inode;
	__u64 short_name[SHORT_NAME_WORDS];
};

/* Where in a dentry a short name lies, and how many bytes it has there: no word behind these is for the verifier. */
static __always_inline __u32 short_name_at(__u32 *bytes)
{
	struct dentry___v6_15 *v6_15 = NULL;
	struct dentry___v5 *v5 = NULL;

	*bytes = 0;
	if (bpf_core_field_exists(v6_15->d_shortname)) {
		*bytes = bpf_core_field_size(v6_15->d_shortname);
		return bpf_core_field_offset(v6_15->d_shortname);
	}
	if (bpf_core_field_exists(v5->d_iname)) {
		*bytes = bpf_core_field_size(v5->d_iname);
		return bpf_core_field_offset(v5->d_iname);
	}
	return 0;
}

/* Fills the link in by loads; whether its short_name is the name. */
static __always_inline bool dentry_link_typed(struct link *dst, struct dentry *dentry)
{
	struct dentry *typed = CAST(struct dentry, dentry);
	__u32 bytes, at = short_name_at(&bytes);

	dst->parent = typed->d_parent;
	dst->name.len = typed->d_name.len;
	dst->name.name = typed->d_name.name;
	if (!bytes || (void *)dst->name.name != (void *)dentry + at)
		return false;
	for (__u32 i = 0; i < SHORT_NAME_WORDS; i++)
		if (i * sizeof(__u64) < bytes)
			dst->short_name[i] = ((const __u64 *)((void *)typed + at))[i];
	return true;
}

/* Fills the link in; whether its short_name is the name. */
static __always_inline bool dentry_link(struct link *dst, struct dentry *dentry, bool modern)
{
	__u32 parent = bpf_core_field_offset(struct dentry, d_parent), name = bpf_core_field_offset(struct dentry, d_name);

	if (CASTS(modern))
		return dentry_link_typed(dst, dentry);
	if (name == parent + sizeof(dst->parent)) {
		bpf_probe_read_kernel(dst, sizeof(*dst), (void *)dentry + parent);
		return (void *)dst->name.name == (void *)dentry + parent + __builtin_offsetof(struct link, short_name);
	}
	bpf_probe_read_kernel(&dst->parent, sizeof(dst->parent), (void *)dentry + parent);
	bpf_probe_read_kernel(&dst->name, sizeof(dst->name), (void *)dentry + name);
	return false;
}

/* Where a mount hangs, and what of it is seen there. */
struct mount_link {
	struct mount *parent;
	struct dentry *mountpoint;
	struct dentry *root;
};

static __always_inline void mount_link(struct mount_link *dst, struct mount *mount, bool modern)
{
	__u32 parent = bpf_core_field_offset(struct mount, mnt_parent);

	if (CASTS(modern)) {
		struct mount *typed = CAST(struct mount, mount);

		dst->parent = typed->mnt_parent;
		dst->mountpoint = typed->mnt_mountpoint;
		dst->root = typed->mnt.mnt_root;
	} else if (bpf_core_field_offset(struct mount, mnt_mountpoint) == parent + 8 &&
	    bpf_core_field_offset(struct mount, mnt.mnt_root) == parent + 16) {
		bpf_probe_read_kernel(dst, sizeof(*dst), (void *)mount + parent);
	} else {
		dst->parent = BPF_CORE_READ(mount, mnt_parent);
		dst->mountpoint = BPF_CORE_READ(mount, mnt_mountpoint);
		dst->root = BPF_CORE_READ(mount, mnt.mnt_root);
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

static __always_inline struct kernfs_node *kernfs_parent(struct kernfs_node *kn, bool typed)
{
	struct kernfs_node___v6_15 *v6_15 = (void *)kn;
	struct kernfs_node___v5 *v5 = (void *)kn;

	return bpf_core_field_exists(v6_15->__parent) ? FOLLOW(typed, v6_15, __parent) : FOLLOW(typed, v5, parent);
}

/* The file that a deferred fput() waits with in task_struct.task_works. */
static __always_inline struct file *file_of_work(struct callback_head *work)
{
	struct file___v6_8 *v6_8 = NULL;
	struct file___v6_0 *v6_0 = NULL;

	if (bpf_core_field_exists(v6_8->f_task_work))
		return (void *)work - bpf_core_field_offset(v6_8->f_task_work);
	if (bpf_core_field_exists(v6_0->f_rcuhead))
		return (void *)work - bpf_core_field_offset(v6_0->f_rcuhead);
	return (void *)work - bpf_core_field_offset(struct file___v5, f_u);
}

/*
 * Whether an inode of an overlay has its data in the upper layer, the one that is
 * written to. The overlay's own struct ovl_inode, which the kernel's BTF lacks where
 * it is a module, is the inode and then the dentry in the upper layer.
 */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

static __always_inline bool inode_is_upper(struct inode *inode)
{
	void *upper = NULL;

	bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
	return upper;
}

/* An execve(2) or execveat(2), by the addresses in its caller's memory. */
struct execve {
	unsigned long path;
	unsigned long argv;
};

/* arch/x86/entry/syscalls/syscall_64.tbl; include/uapi/asm-generic/unistd.h */
#define X86_EXECVE 59
#define X86_EXECVEAT 322
#define ARM64_EXECVE 221
#define ARM64_EXECVEAT 281

/* arch/x86/include/asm/thread_info.h, arch/arm64/include/uapi/asm/ptrace.h */
#define TS_COMPAT 0x2
#define PSR_MODE32_BIT 0x10

/* Whether the system call that ends with these registers is one; the 32-bit ones have other numbers and are not seen. */
static __always_inline bool execve__fill(struct execve *dst, struct task_struct *task, struct pt_regs *regs)
{
	struct task_struct___x86 *task_x86 = (void *)task;
	struct pt_regs___x86 *x86 = (void *)regs;
	struct pt_regs___arm64 *arm64 = (void *)regs;

	if (bpf_core_field_exists(x86->orig_ax)) {
		unsigned long number = x86->orig_ax;

		if (task_x86->thread_info.status & TS_COMPAT)
			return false;
		if (number == X86_EXECVE) {
			dst->path = x86->di;
			dst->argv = x86->si;
		} else if (number == X86_EXECVEAT) {
			dst->path = x86->si;
			dst->argv = x86->dx;
		}
		return number == X86_EXECVE || number == X86_EXECVEAT;
	}
	if (arm64->pstate & PSR_MODE32_BIT)
		return false;
	/* regs[0] has the result by now. */
	if (arm64->syscallno == ARM64_EXECVE) {
		dst->path = arm64->orig_x0;
		dst->argv = arm64->regs[1];
	} else if (arm64->syscallno == ARM64_EXECVEAT) {
		dst->path = arm64->regs[1];
		dst->argv = arm64->regs[2];
	}
	return arm64->syscallno == ARM64_EXECVE || arm64->syscallno == ARM64_EXECVEAT;
}

static __always_inline void task_audit(struct task_struct *task, __u32 *loginuid, __u32 *session, bool typed)
{
	struct task_struct___audit *audit = (void *)task;

	*loginuid = ~0u;
	*session = ~0u;
	if (bpf_core_field_exists(audit->loginuid)) {
		*loginuid = FOLLOW(typed, audit, loginuid.val);
		*session = FOLLOW(typed, audit, sessionid);
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
