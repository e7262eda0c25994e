// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Every process execution, creation and end, from raw tracepoints: no kprobe, so
 * the program runs on any kernel since 5.10 that has BTF, whatever its functions
 * are called and inlined to.
 *
 * A hook is: gate, gather, submit. What the fields mean is in wire.h, what they
 * are read from in fill.bpf.h, exec.bpf.h and before.bpf.h, where kernels differ in compat.bpf.h.
 */
#include "before.bpf.h"
#include "exec.bpf.h"
#include "failed.bpf.h"
#include "filter.bpf.h"

/*
 * What we want: the name and the credentials a task had before exec. At
 * sched_process_exec they are overwritten; this tracepoint fires in begin_new_exec()
 * just before both are, after de_thread() has given the task its final tid. Rejected:
 * sched_prepare_exec (since 6.10 only), the name seen last (stale after prctl, absent
 * for older processes).
 */
SEC("tp_btf/task_rename")
int whatran_rename(__u64 *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct task_struct *task = (void *)ctx[0];
	struct before *before;

	/* /proc/PID/comm renames others; an exec is always one's own doing. */
	if ((__u32)task->pid != tid)
		return 0;
	scope_command(task->tgid, (void *)ctx[1]);
	if (bpf_core_field_exists(task->in_execve) && !BPF_CORE_READ_BITFIELD(task, in_execve))
		return 0;
	before = before_of(tid);
	if (before)
		before__fill(before, task);
	return 0;
}

static __always_inline int exec(__u64 *ctx, bool modern)
{
	struct task_struct *task = (void *)ctx[0];
	struct linux_binprm *bprm = PLAIN(modern, struct linux_binprm, (void *)ctx[2]);
	__u64 now = bpf_ktime_get_boot_ns(), id = bpf_get_current_pid_tgid();
	__u32 slot = CPU_SCRATCH(bpf_get_smp_processor_id()), tid = id;
	struct scratch *scratch;
	struct mm_struct *mm = task->mm;
	__u32 argv_more, env_more;
	__u64 bytes;

	if (!wanted(FRAME_EXEC, id >> 32))
		return 0;
	scratch = bpf_map_lookup_elem(&scratches, &slot);
	if (!scratch) {
		count_failed(FRAME_EXEC);
		return 0;
	}
	scratch->slot = slot;
	if (wanted_whole())
		exec__fill(scratch, task, bprm, modern);
	else
		exec__fill_short(scratch, PLAIN(modern, struct task_struct, task), bprm);
	scratch->exec.head.time_boot_ns = now;
	scratch->exec.old_tid = ctx[1];
	before__take(&scratch->exec, task, tid);
	bytes = scratch->end;
	if (bytes > FRAME_BYTES) { /* never, but the verifier does not know */
		count_failed(FRAME_EXEC);
		return 0;
	}
	argv_more = scratch->exec.argv_more;
	env_more = scratch->exec.env_more;
	if (!submit(&scratch->exec.head, FRAME_EXEC, bytes, false))
		return 0;
	if (scratch->exec.flags & EXEC_CUT)
		count_cut();
	if (!(argv_more | env_more))
		return 0;
	scratch->rest.exec_sequence = scratch->exec.head.sequence;
	scratch->rest.time_boot_ns = now;
	if (argv_more)
		rest__send(scratch, TEXT_ARGV, mm->arg_start, argv_more, modern);
	if (env_more)
		rest__send(scratch, TEXT_ENV, mm->env_start, env_more, modern);
	return 0;
}

/*
 * What we want: a program that has been executed, with all that it really got.
 * This tracepoint fires once the new program is in place and before its first
 * instruction, so its arguments lie in its own memory where nobody can have
 * changed them, and it is there for every way to exec, also the kernel's own
 * (usermode helpers), which pass through no system call.
 * Rejected: sys_enter_execve (arguments still the caller's, failed ones mixed in),
 * LSM hooks (must be enabled at boot).
 *
 * Two programs, one is loaded, here and below: a callback (BPF_PSEUDO_FUNC) is refused before
 * 5.17 even in code that is never reached, and so is a call of what the kernel does not have.
 */
SEC("?tp_btf/sched_process_exec")
int whatran_exec(__u64 *ctx)
{
	return exec(ctx, true);
}

SEC("?tp_btf/sched_process_exec")
int whatran_exec_v5(__u64 *ctx)
{
	return exec(ctx, false);
}

static __always_inline int fork(__u64 *ctx, bool modern)
{
	struct task_struct *parent = PLAIN(modern, struct task_struct, (void *)ctx[0]);
	struct task_struct *child = PLAIN(modern, struct task_struct, (void *)ctx[1]);
	struct fork_frame frame = {};
	__u32 child_pid = child->tgid;
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	frame.head.time_boot_ns = bpf_ktime_get_boot_ns();
	if (child_pid == pid && !settings.want_threads)
		return 0;
	if (!wanted(FRAME_FORK, pid))
		return 0;
	task__fill(&frame.task, parent, true);
	fork__fill(&frame, parent, child);
	submit(&frame.head, FRAME_FORK, sizeof(frame), false);
	return 0;
}

/*
 * What we want: who made whom. This fires in the creator, before the child has run,
 * so the child is in scope before anything it does.
 */
SEC("?tp_btf/sched_process_fork")
int whatran_fork(__u64 *ctx)
{
	return fork(ctx, true);
}

SEC("?tp_btf/sched_process_fork")
int whatran_fork_v5(__u64 *ctx)
{
	return fork(ctx, false);
}

/*
 * What we want: a child in scope as its creator is, whatever happens: what it ever does, and all its
 * descendants, hang on that. This too fires in the creator before the child has run, but with the
 * lock of a run queue held, so it cannot be interrupted. Rejected: to do it in whatran_fork, which
 * the kernel leaves out where another task was interrupted in it (see submit()).
 */
SEC("?tp_btf/sched_wakeup_new")
int whatran_inherit(__u64 *ctx)
{
	struct task_struct *child = (void *)ctx[0];
	__u32 child_pid = child->tgid, pid = bpf_get_current_pid_tgid() >> 32;

	if (child_pid != pid) {
		scope_inherit(pid, child_pid);
		scope_child_of_cgroup(child_pid);
	}
	return 0;
}

struct process_key {
	__u64 start_boot_ns;
	__u64 pid;
};

/* Thread groups whose end has been told; entries are needed for moments only. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process_key);
	__type(value, __u8);
} ended SEC(".maps");

/*
 * Whether this task is the last of its thread group, true exactly once a group.
 * signal->live is counted down before this hook, so threads that exit at once may
 * all see it at zero; since 6.16 the tracepoint says who brought it there. Before,
 * the first to put the group into the map has it.
 */
static __always_inline bool is_last_thread(__u64 *ctx, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct process_key key = {};
	__u8 one = 1;

	if (exit_says_group_dead())
		return (bool)ctx[1];
	if (signal->live.counter)
		return false;
	key.start_boot_ns = task->group_leader->start_boottime;
	key.pid = task->tgid;
	return !bpf_map_update_elem(&ended, &key, &one, BPF_NOEXIST);
}

/*
 * The status that wait(2) will give. A group killed or left by exit_group() has its
 * own; else it is the leader's, also where another thread ended later.
 */
static __always_inline __u32 group_status(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;

	if (signal->flags & SIGNAL_GROUP_EXIT)
		return signal->group_exit_code;
	return task->group_leader->exit_code;
}

static __always_inline int exit(__u64 *ctx, bool modern)
{
	struct task_struct *task = PLAIN(modern, struct task_struct, (void *)ctx[0]);
	struct task_struct *leader = task->group_leader;
	struct exit_frame frame = {};
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	bool last = is_last_thread(ctx, task);

	frame.head.time_boot_ns = bpf_ktime_get_boot_ns();
	if ((last || settings.want_threads) && wanted(FRAME_EXIT, pid)) {
		task__fill(&frame.task, task, true);
		usage__add_task(&frame, task);
		if (last) {
			frame.flags = EXIT_GROUP;
			frame.status = group_status(task);
			usage__add_group(&frame, task->signal);
			if (leader != task)
				usage__add_task(&frame, leader);
		} else {
			frame.status = task->exit_code;
		}
		submit(&frame.head, FRAME_EXIT, sizeof(frame), false);
	}
	return 0;
}

/*
 * What we want: one record when a whole process is gone, and one for each thread
 * where asked for. Rejected: sched_process_free (after an RCU grace period and the
 * parent's wait, so late and out of order).
 */
SEC("?tp_btf/sched_process_exit")
int whatran_exit(__u64 *ctx)
{
	return exit(ctx, true);
}

SEC("?tp_btf/sched_process_exit")
int whatran_exit_v5(__u64 *ctx)
{
	return exit(ctx, false);
}

/* include/linux/errno.h: from here on, errors that no program sees, as the call is made again. */
#define ERESTARTSYS 512

static __always_inline int failed(__u64 *ctx, bool at, bool modern)
{
	__u32 pid, slot = 2 * bpf_get_smp_processor_id() + at;
	long error = -(long)ctx[1];
	struct execve execve = {};
	struct task_struct *task;
	struct failure *failure;
	__u64 bytes;

	/* First of all: nearly all system calls end here. */
	if (error <= 0 || error >= ERESTARTSYS)
		return 0;
	task = PLAIN(modern, struct task_struct, bpf_get_current_task_btf());
	pid = bpf_get_current_pid_tgid() >> 32;
	if (!execve__fill(&execve, task, (void *)ctx[0]) || !wanted(FRAME_FAILED, pid))
		return 0;
	failure = bpf_map_lookup_elem(&failures, &slot);
	if (!failure) {
		count_failed(FRAME_FAILED);
		return 0;
	}
	failed__fill(failure, task, &execve, modern);
	failure->failed.head.time_boot_ns = bpf_ktime_get_boot_ns();
	failure->failed.error = error;
	bytes = failure->end;
	if (bytes > sizeof(failure->frame)) { /* never, but the verifier does not know */
		count_failed(FRAME_FAILED);
		return 0;
	}
	submit(&failure->failed.head, FRAME_FAILED, bytes, modern);
	return 0;
}

/*
 * What we want: the programs that were to be executed and were not. Such a call leaves no
 * trace but its result: there is no tracepoint on its way. So this hooks the return of the
 * two system calls' own functions, which the loader names for the architecture; where the
 * kernel has no ftrace, and functions cannot be hooked, the end of every system call. Both
 * are given the registers and the result. The arguments are still the caller's, who may
 * change them meanwhile (other threads).
 *
 * Functions are left with preemption on, so the two may run into one another on a CPU: each
 * has its own scratch, and their numbers are taken atomically, which the kernel can since
 * 5.12; before 5.17 only execve(2) is hooked.
 */
SEC("?fexit")
int whatran_failed_execve(__u64 *ctx)
{
	return failed(ctx, false, true);
}

SEC("?fexit")
int whatran_failed_execveat(__u64 *ctx)
{
	return failed(ctx, true, true);
}

SEC("?tp_btf/sys_exit")
int whatran_failed(__u64 *ctx)
{
	return failed(ctx, false, true);
}

SEC("?fexit")
int whatran_failed_execve_v5(__u64 *ctx)
{
	return failed(ctx, false, false);
}

SEC("?tp_btf/sys_exit")
int whatran_failed_v5(__u64 *ctx)
{
	return failed(ctx, false, false);
}

static __always_inline int tasks(struct bpf_iter__task *ctx, bool modern)
{
	struct task_struct *task = ctx->task;
	struct seq_file *seq = ctx->meta->seq;
	__u32 slot = ITERATOR_SCRATCH;
	struct scratch *scratch;
	struct frame *head;
	__u64 bytes;

	if (!task || task->pid != task->tgid)
		return 0;
	scratch = bpf_map_lookup_elem(&scratches, &slot);
	if (!scratch)
		return 0;
	scratch->slot = slot;
	exec__fill_later(scratch, task, modern);
	bytes = scratch->end;
	if (bytes > FRAME_BYTES)
		return 0;
	head = &scratch->exec.head;
	head->time_boot_ns = bpf_ktime_get_boot_ns();
	head->kind = FRAME_EXEC;
	head->bytes = bytes;
	head->cpu = bpf_get_smp_processor_id();
	bpf_seq_write(seq, head, bytes);
	return 0;
}

/*
 * What we want: all processes there are, with what they run, each as if it had just been
 * executed: those older than the watch, and those whose record was lost. Read by the watcher
 * when it wants to know. Rejected: /proc, which knows times of start to 10 ms only, so not
 * which process is meant.
 */
SEC("?iter/task")
int whatran_tasks(struct bpf_iter__task *ctx)
{
	return tasks(ctx, true);
}

SEC("?iter/task")
int whatran_tasks_v5(struct bpf_iter__task *ctx)
{
	return tasks(ctx, false);
}

/* GPL is what the helpers that read the kernel's memory ask for. */
char LICENSE[] SEC("license") = "Dual BSD/GPL";
