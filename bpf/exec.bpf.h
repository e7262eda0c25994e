/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a new program is: its files, paths and strings. */
#ifndef WHATRAN_EXEC_BPF_H
#define WHATRAN_EXEC_BPF_H

#include "fill.bpf.h"
#include "path.bpf.h"

/* The last place where a part may start: what follows must still fit. */
#define ENV_AT_MOST (FRAME_BYTES - STRINGS_BYTES)
#define ARGV_AT_MOST (ENV_AT_MOST - STRINGS_BYTES)
#define STRING_AT_MOST (ARGV_AT_MOST - STRING_BYTES)

/* Appends a string of the kernel's own, cmdpath or interp. */
static __always_inline void string__fill(struct text *dst, struct scratch *scratch, const char *src, __u32 unread)
{
	__u32 at = scratch->end;
	long bytes;

	if (at > STRING_AT_MOST)
		return;
	bytes = bpf_probe_read_kernel_str(scratch->frame + at, STRING_BYTES, src);
	if (bytes <= 0) {
		scratch->exec.head.unread |= unread;
		return;
	}
	dst->bytes = bytes;
	dst->full = bytes + (bytes == STRING_BYTES); /* filled to its end: at least one byte more */
	scratch->end = at + bytes;
}

/*
 * Appends argv or env, out of the new program's memory, as far as it goes into this
 * frame. The kernel has just written these pages, so one read gets them; it is all
 * or nothing.
 */
static __always_inline void strings__fill(struct text *dst, __u32 *more, struct scratch *scratch, __u32 at_most,
					  unsigned long from, unsigned long to, __u32 max, __u32 unread)
{
	__u32 at = scratch->end;
	__u64 bytes = to - from;

	dst->full = bytes;
	if (bytes > max)
		bytes = max;
	if (bytes > STRINGS_BYTES) {
		*more = bytes - STRINGS_BYTES;
		bytes = STRINGS_BYTES;
	}
	if (at > at_most || bpf_probe_read_user(scratch->frame + at, bytes, (void *)from)) {
		scratch->exec.head.unread |= unread;
		*more = 0;
		return;
	}
	dst->bytes = bytes;
	scratch->end = at + bytes;
}

/* Sends the next frame of a text; 1 when there is no more, or no room. A callback of bpf_loop(). */
static long rest_step(__u32 turn __attribute__((unused)), struct step_context *context)
{
	struct scratch *scratch = context->scratch;
	struct rest *rest = &scratch->rest;
	struct text_frame *frame = &scratch->text;
	__u32 at = rest->at, bytes = rest->end - at;

	if (at >= rest->end)
		return 1;
	if (bytes > STRINGS_BYTES)
		bytes = STRINGS_BYTES;
	if (bpf_probe_read_user(scratch->frame + sizeof(*frame), bytes, (void *)rest->address + at))
		return 1;
	frame->head.time_boot_ns = rest->time_boot_ns;
	frame->head.unread = 0;
	frame->exec_sequence = rest->exec_sequence;
	frame->offset = at;
	frame->text = rest->text;
	rest->at = at + bytes;
	return !submit(&frame->head, FRAME_TEXT, sizeof(*frame) + bytes, false);
}

/* The kernel takes 6 MiB of argv and env together (3/4 of _STK_LIM), whatever the stack's limit is. */
#define REST_STEPS ((6 << 20) / STRINGS_BYTES)

/* Sends what of a text did not fit into the exec frame, which this overwrites. */
static __always_inline void rest__send(struct scratch *scratch, enum text_of text, unsigned long address, __u32 more,
				       bool modern)
{
	struct step_context context = { scratch };

	scratch->rest.text = text;
	scratch->rest.address = address;
	scratch->rest.at = STRINGS_BYTES;
	scratch->rest.end = STRINGS_BYTES + more;
	if (modern)
		bpf_loop(REST_STEPS, rest_step, &context, 0);
	else
		for (__u32 turn = 0; turn < REST_STEPS; turn++)
			if (rest_step(turn, &context))
				break;
}

/* Where the ELF loader was mapped: AT_BASE of the auxiliary vector; 0 without one. */
static __always_inline unsigned long interpreter_base(struct mm_struct *mm, struct scratch *scratch)
{
	__u32 bytes = bpf_core_field_size(mm->saved_auxv);
	unsigned long *auxv = scratch->auxv;
	bool compat;

	if (bytes > AUXV_BYTES)
		bytes = AUXV_BYTES;
	if (bpf_probe_read_kernel(auxv, bytes, &mm->saved_auxv))
		return 0;
	/* A 32-bit program's has 32-bit pairs: one fills a long, and no first pair has the value 0. */
	compat = auxv[0] >> 32;
	for (__u32 i = 0; i + 1 < AUXV_BYTES / sizeof(long); i++) {
		unsigned long type = compat ? (__u32)auxv[i] : auxv[i];

		if (type == AT_BASE)
			return compat ? auxv[i] >> 32 : auxv[i + 1];
		if (type == AT_NULL)
			break;
		i += !compat;
	}
	return 0;
}

struct vma_context {
	struct scratch *scratch;
	struct file *file;
};

/* A callback of bpf_find_vma(); the types of its arguments are known, of what it leaves they are not. */
static long vma_file(struct task_struct *task __attribute__((unused)), struct vm_area_struct *vma,
		     struct vma_context *context)
{
	context->file = vma->vm_file;
	file_id__fill(&context->scratch->exec.interpreter, vma->vm_file, true);
	return 0;
}

/* A new program has few mappings: itself, its loader, its stack, the vdso. */
#define VMAS_UNROLLED 32

/* Fills in whose file is mapped at the address, and returns that file. */
static __always_inline struct file *interpreter__fill(struct scratch *scratch, struct task_struct *task,
						      unsigned long address, bool modern)
{
	struct vma_context context = { scratch };

	if (modern) {
		bpf_find_vma(task, address, vma_file, &context, 0);
	} else {
		struct mm_struct___list *list = (void *)task->mm;
		struct vm_area_struct___list *vma = NULL;

		if (bpf_core_field_exists(list->mmap))
			vma = BPF_CORE_READ(list, mmap);
		for (int i = 0; i < VMAS_UNROLLED && vma; i++) {
			if (BPF_CORE_READ(vma, vm_start) == address) {
				context.file = BPF_CORE_READ(vma, vm_file);
				file_id__fill(&scratch->exec.interpreter, context.file, false);
				break;
			}
			vma = BPF_CORE_READ(vma, vm_next);
		}
	}
	return context.file;
}

static __always_inline void file_path__fill(struct text *path, struct file_id *id, struct scratch *scratch,
					    struct file *file, __u32 unread, bool modern, bool own)
{
	path__fill(path, &id->flags, scratch, __builtin_preserve_access_index(&file->f_path), unread, modern, own);
}

/*
 * Looks at one thing that the task is to do on its return to user space, and goes on to
 * the next; 1 after the last. A callback of bpf_loop().
 *
 * They are in the order opposite to that in which they came. What is a file refers to an
 * inode directly and through its dentry alike; what else may wait there does not. And only
 * execve opens files for execution (FMODE_EXEC of include/linux/fs.h), no program can.
 */
#define FMODE_EXEC 0x20

static long work_step(__u32 turn __attribute__((unused)), struct step_context *context)
{
	struct works *works = &context->scratch->works;
	struct callback_head *work = works->next;
	struct file *file = file_of_work(work);
	struct inode *inode;

	if (!work)
		return 1;
	works->next = BPF_CORE_READ(work, next);
	inode = BPF_CORE_READ(file, f_inode);
	if (inode && BPF_CORE_READ(file, f_path.dentry, d_inode) == inode && BPF_CORE_READ(file, f_flags) & FMODE_EXEC)
		works->file = file;
	return 0;
}

/* Each descriptor that exec closes and each file that was mapped before may be one; more are told as unread. */
#define WORKS 65536
#define WORKS_UNROLLED 64

/*
 * The file that was to be executed, where an interpreter runs it (#! and binfmt_misc);
 * NULL where it cannot be told.
 *
 * By now the kernel has dropped it (exec_binprm() in fs/exec.c), bprm->file is the
 * interpreter's. But the last reference to a file is given up on the return to user space
 * (Linux commit 4a9d4b024a31, "switch fput to task_work_add", in v3.6): until then it waits
 * among the task's works, as the first that this execve dropped; the old program's own
 * file and its loader come after it. Where the interpreter asked for the open file (binfmt_misc,
 * flag O), begin_new_exec() has made it a descriptor of the new program instead (Linux commit
 * b8a61c9e7b4a, "exec: Generic execfd support", in v5.8); of a script that such a file is to
 * interpret there is no telling, as it may be any of the works.
 */
static __always_inline struct file *script_file(struct scratch *scratch, struct task_struct *task,
						struct linux_binprm *bprm, bool modern)
{
	struct step_context context = { scratch };
	struct file *file = NULL;

	if (BPF_CORE_READ_BITFIELD(bprm, have_execfd)) {
		bpf_probe_read_kernel(&file, sizeof(file), &task->files->fdt->fd[bprm->execfd]);
		return file;
	}
	scratch->works.next = task->task_works;
	scratch->works.file = NULL;
	if (modern)
		bpf_loop(WORKS, work_step, &context, 0);
	else
		for (__u32 turn = 0; turn < WORKS_UNROLLED; turn++)
			if (work_step(turn, &context))
				break;
	return scratch->works.next ? NULL : scratch->works.file;
}

/* cgroups are seldom nested deeper than 10; what is deeper is cut and flagged. */
#define CGROUP_STEPS 32

/* Appends the path of the task's cgroup, leaf first. */
static __always_inline void cgroup__fill(struct text *dst, struct scratch *scratch, struct task_struct *task, bool typed)
{
	struct css_set *css_set = FOLLOW(typed, task, cgroups);
	struct cgroup *cgroup = FOLLOW(typed, css_set, dfl_cgrp);
	struct kernfs_node *kn = FOLLOW(typed, cgroup, kn), *parent = kernfs_parent(kn, typed);
	struct cgroup_subsys_state *css;
	__u32 start = scratch->end;

	/* At the root of the v2 hierarchy, maybe as v1 is in use: that has all controllers in the same groups, as a rule. */
	if (!parent && bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id)) {
		css = FOLLOW(typed, css_set, subsys[bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)]);
		if (css) {
			cgroup = FOLLOW(typed, css, cgroup);
			kn = FOLLOW(typed, cgroup, kn);
			parent = kernfs_parent(kn, typed);
		}
	}
	for (__u32 turn = 0; turn < CGROUP_STEPS && parent; turn++) {
		if (!name__append(scratch, (const void *)FOLLOW(typed, kn, name))) {
			scratch->exec.head.unread |= UNREAD_CGROUP;
			break;
		}
		kn = parent;
		parent = kernfs_parent(kn, typed);
	}
	dst->bytes = scratch->end - start;
	dst->full = dst->bytes + (parent != NULL);
}

static __always_inline struct file *stdin_file(struct task_struct *task, bool typed)
{
	struct files_struct *files = FOLLOW(typed, task, files);
	struct fdtable *fdt = FOLLOW(typed, files, fdt);
	struct file *file = NULL;

	bpf_probe_read_kernel(&file, sizeof(file), FOLLOW(typed, fdt, fd));
	return file;
}

static __always_inline __u32 exec_flags(struct task_struct *task, struct linux_binprm *bprm)
{
	__u32 flags = 0;

	if (task->real_parent->flags & PF_KTHREAD)
		flags |= EXEC_FROM_KERNEL;
	if (BPF_CORE_READ_BITFIELD(bprm, secureexec))
		flags |= EXEC_SECURE;
	if (settings.want_env)
		flags |= EXEC_ENV;
	return flags;
}

static __always_inline void interpreter_path__fill(struct scratch *scratch, struct task_struct *trusted,
						   struct mm_struct *mm, bool modern, bool own)
{
	unsigned long base = interpreter_base(mm, scratch);
	struct file *file;

	if (!base)
		return;
	file = interpreter__fill(scratch, trusted, base, modern);
	if (file)
		file_path__fill(&scratch->exec.interpreter_pathname, &scratch->exec.interpreter, scratch, file,
				UNREAD_INTERPRETER, modern, own);
	else
		scratch->exec.head.unread |= UNREAD_INTERPRETER;
}

static __always_inline void script__fill(struct scratch *scratch, struct task_struct *task, struct linux_binprm *bprm,
					 bool modern)
{
	struct file *file;

	if (bprm->interp == bprm->filename)
		return;
	file = script_file(scratch, task, bprm, modern);
	if (!file) {
		scratch->exec.head.unread |= UNREAD_SCRIPT;
		return;
	}
	file_id__fill(&scratch->exec.script, PLAIN(modern, struct file, file), CASTS(modern));
	file_path__fill(&scratch->exec.script_pathname, &scratch->exec.script, scratch, file, UNREAD_SCRIPT, modern, true);
}

static __always_inline void stdin__fill(struct scratch *scratch, struct task_struct *task, bool modern, bool own)
{
	struct file *file = stdin_file(task, own);

	if (!file)
		return;
	file_id__fill(&scratch->exec.stdin_file, PLAIN(own && modern, struct file, file), CASTS(own && modern));
	file_path__fill(&scratch->exec.stdin_path, &scratch->exec.stdin_file, scratch, file, UNREAD_STDIN, modern, own);
}

static __always_inline bool is_wanted(enum unread fact)
{
	return !(settings.unwanted & fact);
}

/* argv and env, the longest, as far as there is room for them. */
static __always_inline void argv_and_env__fill(struct scratch *scratch, struct mm_struct *mm)
{
	struct exec_frame *dst = &scratch->exec;
	__u32 max_argv = settings.max_argv, max_env = settings.max_env;
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	if (!is_room(waiting, ROOM_FOR_TEXT) && max_argv > SHORT_ARGV_BYTES)
		max_argv = SHORT_ARGV_BYTES;
	if (!is_room(waiting, ROOM_FOR_ENV))
		max_env = 0;
	if (is_wanted(UNREAD_ARGV))
		strings__fill(&dst->argv, &dst->argv_more, scratch, ARGV_AT_MOST, mm->arg_start, mm->arg_end, max_argv, UNREAD_ARGV);
	if (settings.want_env)
		strings__fill(&dst->env, &dst->env_more, scratch, ENV_AT_MOST, mm->env_start, mm->env_end, max_env, UNREAD_ENV);
	if ((max_argv < settings.max_argv && dst->argv.full > max_argv) ||
	    (max_env < settings.max_env && dst->env.full > max_env))
		dst->flags |= EXEC_CUT;
}

/* Fills scratch.exec and, after it, its texts in the order of wire.h. */
static __always_inline void exec__fill(struct scratch *scratch, struct task_struct *trusted, struct linux_binprm *bprm,
				       bool modern)
{
	struct task_struct *task = PLAIN(modern, struct task_struct, trusted);
	struct exec_frame *dst = &scratch->exec;
	struct mm_struct *mm = task->mm;

	__builtin_memset(dst, 0, sizeof(*dst));
	scratch->end = sizeof(*dst);
	task__fill(&dst->task, task, true);
	dst->head.unread = settings.unwanted;
	dst->argc = bprm->argc;
	dst->envc = bprm->envc;
	dst->flags = exec_flags(task, bprm);

	string__fill(&dst->cmdpath, scratch, bprm->filename, UNREAD_CMDPATH);
	string__fill(&dst->interp, scratch, bprm->interp, UNREAD_INTERP);
	file_id__fill(&dst->file, bprm->file, true);
	if (is_wanted(UNREAD_PATHNAME))
		file_path__fill(&dst->pathname, &dst->file, scratch, bprm->file, UNREAD_PATHNAME, modern, true);
	if (is_wanted(UNREAD_INTERPRETER))
		interpreter_path__fill(scratch, trusted, mm, modern, true);
	if (is_wanted(UNREAD_SCRIPT))
		script__fill(scratch, task, bprm, modern);
	if (is_wanted(UNREAD_STDIN))
		stdin__fill(scratch, task, modern, true);
	if (is_wanted(UNREAD_CWD))
		path__fill(&dst->cwd, NULL, scratch, &task->fs->pwd, UNREAD_CWD, modern, true);
	if (is_wanted(UNREAD_CGROUP))
		cgroup__fill(&dst->cgroup, scratch, task, true);
	argv_and_env__fill(scratch, mm);
}

/* Of an exec that the settings keep out, little more than that it was. */
static __always_inline void exec__fill_short(struct scratch *scratch, struct task_struct *task,
					     struct linux_binprm *bprm)
{
	struct exec_frame *dst = &scratch->exec;

	__builtin_memset(dst, 0, sizeof(*dst));
	scratch->end = sizeof(*dst);
	task__fill(&dst->task, task, true);
	dst->head.unread = UNREAD_PATHNAME | UNREAD_INTERP | UNREAD_INTERPRETER | UNREAD_SCRIPT | UNREAD_STDIN |
			   UNREAD_CWD | UNREAD_CGROUP | UNREAD_ARGV | UNREAD_ENV;
	string__fill(&dst->cmdpath, scratch, bprm->filename, UNREAD_CMDPATH);
}

/* The same of a task that lives, as far as it can tell: what execve was given is gone, argv is for /proc. */
static __always_inline void exec__fill_later(struct scratch *scratch, struct task_struct *trusted, bool modern)
{
	struct task_struct *task = PLAIN(modern, struct task_struct, trusted), *parent = BPF_CORE_READ(task, real_parent);
	struct exec_frame *dst = &scratch->exec;
	struct mm_struct *mm = task->mm;
	struct fs_struct *fs = task->fs;
	struct file *file;

	__builtin_memset(dst, 0, sizeof(*dst));
	scratch->end = sizeof(*dst);
	task__fill(&dst->task, task, false);
	dst->flags = EXEC_REPAIRED;
	/* Where one is under way, exec_id has gone up and its record is to come. */
	if (task->flags & PF_FORKNOEXEC ||
	    (bpf_core_field_exists(task->in_execve) && BPF_CORE_READ_BITFIELD(task, in_execve)))
		dst->flags |= EXEC_UNEXECUTED;
	if (BPF_CORE_READ(parent, flags) & PF_KTHREAD)
		dst->flags |= EXEC_FROM_KERNEL;
	dst->head.unread = UNREAD_CMDPATH | UNREAD_INTERP | UNREAD_BEFORE | UNREAD_SCRIPT | UNREAD_ARGV;
	if (settings.want_env)
		dst->head.unread |= UNREAD_ENV;
	if (!mm) /* a kernel thread, or one that ends */
		return;
	file = BPF_CORE_READ(mm, exe_file);
	if (file) {
		file_id__fill(&dst->file, file, false);
		file_path__fill(&dst->pathname, &dst->file, scratch, file, UNREAD_PATHNAME, modern, false);
	}
	interpreter_path__fill(scratch, trusted, mm, modern, false);
	stdin__fill(scratch, task, modern, false);
	if (fs)
		path__fill(&dst->cwd, NULL, scratch, &fs->pwd, UNREAD_CWD, modern, false);
	cgroup__fill(&dst->cgroup, scratch, task, false);
}

#endif
