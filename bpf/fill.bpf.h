/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * thing__fill(dst, src): each reads one set of facts; none fails, unknown stays zero.
 *
 * Pointers that come from a tracepoint's arguments, and what is reached from them,
 * are typed by BTF: the verifier lets them be followed as in C, at the price of a
 * load, and a NULL on the way reads as zero. Where the type is lost (an array of
 * pointers, a pointer kept in memory) BPF_CORE_READ calls a helper instead.
 */
#ifndef WHATRAN_FILL_BPF_H
#define WHATRAN_FILL_BPF_H

#include "compat.bpf.h"
#include "wire.h"
#include "words.bpf.h"

/* The number a task has in the pid namespace it lives in, the innermost of its struct pid. */
static __always_inline __u32 ns_number(struct task_struct *task, __u32 *ns_inum, bool typed)
{
	struct pid *pid = FOLLOW(typed, task, thread_pid);
	__u32 number = FOLLOW(typed, pid, numbers[0].nr), inum = 0, level = FOLLOW(typed, pid, level);
	struct pid_namespace *ns;
	struct upid upid = {};

	if (ns_inum) {
		ns = FOLLOW(typed, pid, numbers[0].ns);
		inum = FOLLOW(typed, ns, ns.inum);
	}
	/* A variable index is not for typed pointers. */
	if (level) {
		bpf_probe_read_kernel(&upid, sizeof(upid),
				      (void *)pid + bpf_core_field_offset(struct pid, numbers) + level * sizeof(upid));
		number = upid.nr;
		ns = upid.ns;
		if (ns_inum)
			inum = BPF_CORE_READ(ns, ns.inum);
	}
	if (ns_inum)
		*ns_inum = inum;
	return number;
}

/* Another thread may give the terminal up meanwhile, so its memory may be anything: never by loads. */
static __always_inline __u32 tty_dev(struct signal_struct *signal, bool typed)
{
	struct tty_struct *tty = FOLLOW(typed, signal, tty);
	struct tty_driver *driver;

	if (!tty)
		return 0;
	driver = BPF_CORE_READ(tty, driver);
	return (BPF_CORE_READ(driver, major) << 20) | (BPF_CORE_READ(driver, minor_start) + BPF_CORE_READ(tty, index));
}

/* A number since 6.3, an array of two before: one load fits both. */
static __always_inline __u64 cap_effective(const struct cred *cred, bool typed)
{
	__u64 bits = 0;

	if (typed)
		return *(const __u64 *)&cred->cap_effective;
	bpf_probe_read_kernel(&bits, sizeof(bits), &cred->cap_effective);
	return bits;
}

static __always_inline void cred__fill(struct task *dst, const struct cred *cred, bool typed)
{
	struct user_namespace *ns = FOLLOW(typed, cred, user_ns);

	dst->uid = FOLLOW(typed, cred, uid.val);
	dst->gid = FOLLOW(typed, cred, gid.val);
	dst->euid = FOLLOW(typed, cred, euid.val);
	dst->egid = FOLLOW(typed, cred, egid.val);
	dst->suid = FOLLOW(typed, cred, suid.val);
	dst->sgid = FOLLOW(typed, cred, sgid.val);
	dst->fsuid = FOLLOW(typed, cred, fsuid.val);
	dst->fsgid = FOLLOW(typed, cred, fsgid.val);
	dst->cap_effective = cap_effective(cred, typed);
	dst->user_ns = FOLLOW(typed, ns, ns.inum);
}

#define NS_INUM(typed, nsproxy, name)                               \
	({                                                          \
		typeof((nsproxy)->name) ns_ = FOLLOW(typed, nsproxy, name); \
		FOLLOW(typed, ns_, ns.inum);                        \
	})

static __always_inline void namespaces__fill(struct task *dst, struct nsproxy *nsproxy, bool typed)
{
	dst->mnt_ns = NS_INUM(typed, nsproxy, mnt_ns);
	dst->net_ns = NS_INUM(typed, nsproxy, net_ns);
	dst->uts_ns = NS_INUM(typed, nsproxy, uts_ns);
	dst->ipc_ns = NS_INUM(typed, nsproxy, ipc_ns);
	dst->cgroup_ns = NS_INUM(typed, nsproxy, cgroup_ns);
}

/* Use user space's words: pid is the kernel's tgid, tid its pid. */
static __always_inline void task__fill(struct task *dst, struct task_struct *task, bool typed)
{
	struct task_struct *leader = FOLLOW(typed, task, group_leader), *parent = FOLLOW(typed, task, real_parent);
	struct signal_struct *signal = FOLLOW(typed, task, signal);
	struct pid *session = FOLLOW(typed, signal, pids[PIDTYPE_SID]), *group = FOLLOW(typed, signal, pids[PIDTYPE_PGID]);
	struct css_set *css_set = FOLLOW(typed, task, cgroups);
	struct cgroup *cgroup = FOLLOW(typed, css_set, dfl_cgrp);
	struct kernfs_node *kn = FOLLOW(typed, cgroup, kn);
	const struct cred *cred = FOLLOW(typed, task, cred);
	struct nsproxy *nsproxy = FOLLOW(typed, task, nsproxy);

	parent = FOLLOW(typed, parent, group_leader);
	dst->pid = FOLLOW(typed, task, tgid);
	dst->tid = FOLLOW(typed, task, pid);
	dst->ns_tid = ns_number(task, &dst->pid_ns, typed);
	dst->ns_pid = task == leader ? dst->ns_tid : ns_number(leader, NULL, typed);
	dst->start_boot_ns = FOLLOW(typed, leader, start_boottime);
	dst->ppid = FOLLOW(typed, parent, tgid);
	dst->ppid_start_boot_ns = FOLLOW(typed, parent, start_boottime);
	comm__fill(dst->ppid_comm, parent->comm, typed);
	comm__fill(dst->comm, task->comm, typed);
	dst->session_id = FOLLOW(typed, session, numbers[0].nr);
	dst->process_group = FOLLOW(typed, group, numbers[0].nr);
	dst->tty_dev = tty_dev(signal, typed);
	dst->cgroup_id = FOLLOW(typed, kn, id);
	dst->exec_id = FOLLOW(typed, task, self_exec_id);
	task_audit(task, &dst->loginuid, &dst->audit_session, typed);
	cred__fill(dst, cred, typed);
	namespaces__fill(dst, nsproxy, typed);
}

static __always_inline void file_id__fill(struct file_id *dst, struct file *file, bool typed)
{
	struct inode *inode = FOLLOW(typed, file, f_inode);
	struct super_block *sb = FOLLOW(typed, inode, i_sb);

	dst->inode = FOLLOW(typed, inode, i_ino);
	dst->mode = FOLLOW(typed, inode, i_mode);
	dst->nlink = FOLLOW(typed, inode, i_nlink);
	dst->dev = FOLLOW(typed, sb, s_dev);
	dst->fs_magic = FOLLOW(typed, sb, s_magic);
	inode_ctime(inode, &dst->ctime_sec, &dst->ctime_nsec, typed);
	if (dst->fs_magic == OVERLAYFS_SUPER_MAGIC && inode_is_upper(inode))
		dst->flags |= FILE_UPPER;
}

static __always_inline void fork__fill(struct fork_frame *dst, struct task_struct *parent, struct task_struct *child)
{
	struct task_struct *up = child->group_leader->real_parent->group_leader;

	dst->parent_tid = parent->pid;
	dst->parent_ns_tid = dst->task.ns_tid;
	dst->parent_pid = parent->tgid;
	dst->parent_ns_pid = dst->task.ns_pid;
	dst->parent_start_boot_ns = parent->start_boottime;
	dst->child_tid = child->pid;
	dst->child_ns_tid = ns_number(child, NULL, true);
	dst->child_pid = child->tgid;
	dst->child_ns_pid = dst->child_tid == dst->child_pid ? dst->child_ns_tid : ns_number(child->group_leader, NULL, true);
	dst->start_boot_ns = child->start_boottime;
	dst->parent_process_tid = up->pid;
	dst->parent_process_ns_tid = ns_number(up, NULL, true);
	dst->parent_process_pid = up->tgid;
}

static __always_inline void io__add(struct exit_frame *dst, struct task_io_accounting *io)
{
	struct task_io_accounting___chars *chars = (void *)io;
	struct task_io_accounting___bytes *bytes = (void *)io;

	if (bpf_core_field_exists(chars->rchar)) {
		dst->rchar += chars->rchar;
		dst->wchar += chars->wchar;
	}
	if (bpf_core_field_exists(bytes->read_bytes)) {
		dst->read_bytes += bytes->read_bytes;
		dst->write_bytes += bytes->write_bytes;
	}
}

static __always_inline void usage__add_task(struct exit_frame *dst, struct task_struct *task)
{
	dst->utime_ns += task->utime;
	dst->stime_ns += task->stime;
	dst->runtime_ns += task->se.sum_exec_runtime;
	dst->minor_faults += task->min_flt;
	dst->major_faults += task->maj_flt;
	io__add(dst, &task->ioac);
}

/* What threads that are gone and reaped have left to their group. */
static __always_inline void usage__add_group(struct exit_frame *dst, struct signal_struct *signal)
{
	dst->utime_ns += signal->utime;
	dst->stime_ns += signal->stime;
	dst->runtime_ns += signal->sum_sched_runtime;
	dst->minor_faults += signal->min_flt;
	dst->major_faults += signal->maj_flt;
	dst->max_rss_pages = signal->maxrss;
	io__add(dst, &signal->ioac);
}

#endif
