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
static __always_inline __u32 ns_number(struct task_struct *task, __u32 *ns_inum)
{
	struct pid *pid = task->thread_pid;
	__u32 number = pid->numbers[0].nr, inum = 0, level = pid->level;
	struct pid_namespace *ns;
	struct upid upid = {};

	if (ns_inum)
		inum = pid->numbers[0].ns->ns.inum;
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

static __always_inline __u32 tty_dev(struct signal_struct *signal)
{
	struct tty_struct *tty = signal->tty;

	if (!tty)
		return 0;
	return (tty->driver->major << 20) | (tty->driver->minor_start + tty->index);
}

/* A number since 6.3, an array of two before: one load fits both. */
static __always_inline __u64 cap_effective(const struct cred *cred)
{
	return *(const __u64 *)&cred->cap_effective;
}

static __always_inline void cred__fill(struct task *dst, const struct cred *cred)
{
	dst->uid = cred->uid.val;
	dst->gid = cred->gid.val;
	dst->euid = cred->euid.val;
	dst->egid = cred->egid.val;
	dst->suid = cred->suid.val;
	dst->sgid = cred->sgid.val;
	dst->fsuid = cred->fsuid.val;
	dst->fsgid = cred->fsgid.val;
	dst->cap_effective = cap_effective(cred);
	dst->user_ns = cred->user_ns->ns.inum;
}

static __always_inline void namespaces__fill(struct task *dst, struct nsproxy *nsproxy)
{
	dst->mnt_ns = nsproxy->mnt_ns->ns.inum;
	dst->net_ns = nsproxy->net_ns->ns.inum;
	dst->uts_ns = nsproxy->uts_ns->ns.inum;
	dst->ipc_ns = nsproxy->ipc_ns->ns.inum;
	dst->cgroup_ns = nsproxy->cgroup_ns->ns.inum;
}

/* Use user space's words: pid is the kernel's tgid, tid its pid. */
static __always_inline void task__fill(struct task *dst, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader, *parent = task->real_parent->group_leader;
	struct signal_struct *signal = task->signal;

	dst->pid = task->tgid;
	dst->tid = task->pid;
	dst->ns_tid = ns_number(task, &dst->pid_ns);
	dst->ns_pid = task == leader ? dst->ns_tid : ns_number(leader, NULL);
	dst->start_boot_ns = leader->start_boottime;
	dst->ppid = parent->tgid;
	dst->ppid_start_boot_ns = parent->start_boottime;
	comm__fill(dst->ppid_comm, parent->comm);
	comm__fill(dst->comm, task->comm);
	dst->session_id = signal->pids[PIDTYPE_SID]->numbers[0].nr;
	dst->process_group = signal->pids[PIDTYPE_PGID]->numbers[0].nr;
	dst->tty_dev = tty_dev(signal);
	dst->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	dst->exec_id = task->self_exec_id;
	task_audit(task, &dst->loginuid, &dst->audit_session);
	cred__fill(dst, task->cred);
	namespaces__fill(dst, task->nsproxy);
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
	dst->child_ns_tid = ns_number(child, NULL);
	dst->child_pid = child->tgid;
	dst->child_ns_pid = dst->child_tid == dst->child_pid ? dst->child_ns_tid : ns_number(child->group_leader, NULL);
	dst->start_boot_ns = child->start_boottime;
	dst->parent_process_tid = up->pid;
	dst->parent_process_ns_tid = ns_number(up, NULL);
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
