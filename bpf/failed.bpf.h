/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What was to be executed and was not: read from the memory of the program that asked for it. */
#ifndef WHATRAN_FAILED_BPF_H
#define WHATRAN_FAILED_BPF_H

#include "fill.bpf.h"
#include "maps.bpf.h"

/* Where the last argument may start: a string of STRINGS_BYTES must still fit behind it. */
#define ARGUMENT_AT_MOST (sizeof(struct failed_frame) + STRING_BYTES + STRINGS_BYTES)

/*
 * Bytes of a string in the task's memory with its NUL, as they now are in dst; negative where it cannot be read.
 * Of an empty one some kernels say 0 and have written the NUL (tried: 6.1 and 6.12; 6.17 says 1).
 */
static __always_inline long user_string__read(__u8 *dst, __u32 size, const void *src)
{
	long bytes = bpf_probe_read_user_str(dst, size, src);

	if (bytes)
		return bytes;
	*dst = 0;
	return 1;
}

struct failure_context {
	struct failure *failure;
};

/* Appends the next argument; 1 after the last. A callback of bpf_loop(). */
static long argument_step(__u32 turn __attribute__((unused)), struct failure_context *context)
{
	struct failure *failure = context->failure;
	__u32 at = failure->end;
	unsigned long address = 0;
	char last = 0;
	long bytes;

	if (at > ARGUMENT_AT_MOST)
		return 1;
	/* No list at all is an empty one: count() in fs/exec.c. */
	if (failure->argv && bpf_probe_read_user(&address, sizeof(address), (void *)failure->argv)) {
		failure->faulted = true;
		return 1;
	}
	if (!address) {
		failure->complete = true;
		return 1;
	}
	bytes = user_string__read(failure->frame + at, STRINGS_BYTES, (void *)address);
	if (bytes <= 0) {
		failure->faulted = true;
		return 1;
	}
	failure->end = at + bytes;
	failure->argv += sizeof(address);
	failure->failed.argc++;
	/* Filled to its end: is it the NUL of the string that is there, or ours? */
	return bytes == STRINGS_BYTES &&
	       (bpf_probe_read_user(&last, sizeof(last), (void *)address + STRINGS_BYTES - 1) || last);
}

#define ARGUMENTS STRINGS_BYTES /* as many as fit where each is empty */
#define ARGUMENTS_UNROLLED 128

static __always_inline void arguments__fill(struct failure *failure, unsigned long argv, bool modern)
{
	struct failure_context context = { failure };
	struct failed_frame *dst = &failure->failed;
	__u32 start = failure->end;

	failure->argv = argv;
	failure->complete = failure->faulted = false;
	if (modern)
		bpf_loop(ARGUMENTS, argument_step, &context, 0);
	else
		for (__u32 turn = 0; turn < ARGUMENTS_UNROLLED; turn++)
			if (argument_step(turn, &context))
				break;
	dst->argv.bytes = failure->end - start;
	dst->argv.full = dst->argv.bytes + !failure->complete; /* incomplete: at least one byte more */
	if (failure->faulted)
		dst->head.unread |= UNREAD_ARGV;
	if (dst->argv.bytes > settings.max_argv) {
		dst->argv.bytes = settings.max_argv;
		failure->end = start + settings.max_argv;
	}
}

static __always_inline void failed__fill(struct failure *failure, struct task_struct *task, struct execve *execve,
					 bool modern)
{
	struct failed_frame *dst = &failure->failed;
	long bytes;

	__builtin_memset(dst, 0, sizeof(*dst));
	task__fill(&dst->task, task, true);
	bytes = user_string__read(failure->frame + sizeof(*dst), STRING_BYTES, (void *)execve->path);
	if (bytes > 0) {
		dst->cmdpath.bytes = bytes;
		dst->cmdpath.full = bytes + (bytes == STRING_BYTES);
	} else {
		dst->head.unread |= UNREAD_CMDPATH;
		bytes = 0;
	}
	failure->end = sizeof(*dst) + bytes;
	arguments__fill(failure, execve->argv, modern);
}

#endif
