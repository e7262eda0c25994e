/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Settings, memory and counters, and the one function that sends a frame. */
#ifndef WHATRAN_MAPS_BPF_H
#define WHATRAN_MAPS_BPF_H

#include "compat.bpf.h"
#include "wire.h"
#include <bpf/bpf_helpers.h>

const volatile struct settings settings;

#define PATH_BYTES 4096            /* PATH_MAX; what is longer is cut and flagged */
#define STRING_BYTES (PATH_BYTES + 32) /* cmdpath: "/dev/fd/N/" and a path */
#define STRINGS_BYTES (32 << 10)   /* of argv and of env in one frame; more goes into frames of its own */
#define NAME_BYTES 256             /* NAME_MAX and a NUL: one component of a path */
#define AUXV_BYTES 512             /* saved_auxv has 44 to 58 longs */

/* Two strings and six paths, room for one more, then argv, then env; every write is checked against this. */
#define FRAME_BYTES (sizeof(struct exec_frame) + 3 * STRING_BYTES + 6 * PATH_BYTES + 2 * STRINGS_BYTES)

/*
 * Where a path walk stands. It lives in map memory, not on the stack: there the
 * verifier forgets its values at each step, on the stack it would follow them
 * through every path and give up (1,000,000 instructions).
 */
struct walk {
	struct dentry *dentry;
	struct mount *mount;
	struct mount_link link; /* of the mount */
	__u32 full; /* bytes of components seen, also those no longer written */
	bool complete;
	bool detached;
	bool failed;
};

/* What a task is to do on its return to user space, while a file is looked for there. */
struct works {
	struct callback_head *next;
	struct file *file; /* the last that was found */
};

/* What of argv or env is still to be sent; in map memory for the same reason. */
struct rest {
	__u64 exec_sequence;
	__u64 time_boot_ns;
	__u64 address; /* of the text in the program's memory */
	__u32 at;      /* sent so far */
	__u32 end;
	enum text_of text;
	__u32 reserved;
};

/*
 * An exec frame is larger than the stack (512 bytes) and than a per-CPU map
 * value (32 KiB), hence an array indexed by CPU. Only the exec program uses it,
 * and the kernel never runs one program twice at once on a CPU, nor moves it to another
 * meanwhile (see submit()); one more, the first, is for the iterator over all tasks.
 * The frame does not come first: kernels 5.8 to 6.1 without commit 8678ea06852c
 * write a byte before the destination when a string read faults.
 */
struct scratch {
	struct walk walk;
	struct works works;
	struct rest rest;
	unsigned long auxv[AUXV_BYTES / sizeof(unsigned long)];
	__u32 end; /* bytes of the frame that are filled: where the next text goes */
	__u32 slot; /* of this among all */
	union {
		struct exec_frame exec;
		struct fork_frame fork; /* built on the stack; named here so that BTF describes them */
		struct exit_frame exit;
		struct text_frame text;
		__u8 frame[FRAME_BYTES];
	};
};

/* What a callback of bpf_loop() is given: the pointer must lie on the stack, what it points to need not. */
struct step_context {
	struct scratch *scratch;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* and one for each possible CPU, set before load */
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

#define ITERATOR_SCRATCH 0
#define CPU_SCRATCH(cpu) ((cpu) + 1)

/* The same for execs that failed, of which two programs tell. */
struct failure {
	unsigned long argv; /* address of the next pointer */
	__u32 end;
	bool complete;
	bool faulted;
	__u16 reserved;
	union {
		struct failed_frame failed;
		__u8 frame[sizeof(struct failed_frame) + STRING_BYTES + 2 * STRINGS_BYTES];
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* two for each possible CPU, set before load */
	__type(key, __u32);
	__type(value, struct failure);
} failures SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* set before load */
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FRAME_KINDS);
	__type(key, __u32);
	__type(value, struct counters);
} counts SEC(".maps");

static __always_inline struct counters *counters_of(__u32 kind)
{
	return bpf_map_lookup_elem(&counts, &kind);
}

static __always_inline void count_failed(__u32 kind)
{
	struct counters *counters = counters_of(kind);

	if (counters)
		counters->failed++;
}

static __always_inline void count_cut(void)
{
	struct counters *counters = counters_of(FRAME_EXEC);

	if (counters)
		counters->cut++;
}

/*
 * When the reader falls behind, what can be done without is given up first: in sixteenths, how much
 * of the ring may be waiting for each to be sent still. Execs, of which nothing else tells, have room
 * to the last; whose child a process is its exec says too, and that it has ended is seen in /proc. The
 * longest argv that the kernel takes, 6 MiB, has room in the ring as it is by default.
 */
enum sixteenths {
	ROOM_FOR_ENV = 8,
	ROOM_FOR_TEXT = 13, /* argv that is long, and more of argv and env in frames of their own */
	ROOM_FOR_FORK = 14, /* and execs that failed */
	ROOM_FOR_EXIT = 15,
	ROOM_FOR_EXEC = 16,
};

/* struct bpf_ringbuf_hdr, before each record; these are multiples of 8 bytes. */
#define RECORD_HEADER_BYTES 8

/* Of argv, so much is kept to the last: more than nearly all of them have. */
#define SHORT_ARGV_BYTES 4096

static __always_inline bool is_room(__u64 waiting, enum sixteenths sixteenths)
{
	return waiting <= (__u64)settings.ring_bytes / 16 * sixteenths;
}

static __always_inline enum sixteenths room_for(__u32 kind)
{
	switch (kind) {
	case FRAME_TEXT:
		return ROOM_FOR_TEXT;
	case FRAME_FORK:
	case FRAME_FAILED:
		return ROOM_FOR_FORK;
	case FRAME_EXIT:
		return ROOM_FOR_EXIT;
	default:
		return ROOM_FOR_EXEC;
	}
}

/*
 * Whether the reader is to be woken: a quarter of the ring waits, and a record of so many bytes begins the next of its
 * 64 parts. Both are powers of two: numbers that differ in no higher bit are within one part.
 */
static __always_inline bool is_much(__u64 waiting, __u64 bytes)
{
	__u64 after = waiting + RECORD_HEADER_BYTES + (bytes + 7) / 8 * 8;

	return after >= settings.ring_bytes / 4 && (waiting ^ after) >= settings.ring_bytes / 64;
}

/*
 * Numbers a filled frame and sends it. The number is taken also when there is no room,
 * so the reader sees a hole where a record is missing.
 *
 * All kinds but one come from one program each and the kernel does not run a program
 * twice at once on a CPU, so plain additions are enough for them. Tracepoints are left with
 * preemption off, and since Linux commit a46023d5616e ("tracing: Guard __DECLARE_TRACE() use of
 * __DO_TRACE_CALL() with SRCU-fast") (in v7.0) with it on: then a program that another task was
 * interrupted in is not run, and counted as missed (05b24ff9b2cf, "bpf: Prevent bpf program recursion
 * for raw tracepoint probes", in v6.1). Turning preemption off within the program does not help, as the
 * kernel reschedules when it is turned on again. Whether it found room.
 *
 * The kernel wakes the reader by itself for the first record after it had read
 * all; the reader then waits a little for more. Only when much has gathered
 * meanwhile is it woken again, and not by each record that adds to it: to wake somebody
 * costs the task that does it more than to send the record.
 */
static __always_inline bool submit(struct frame *frame, __u32 kind, __u64 bytes, bool shared)
{
	struct counters *counters = counters_of(kind);
	__u64 waiting = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA), flags = 0;

	if (!counters)
		return false;
	frame->sequence = shared ? __sync_fetch_and_add(&counters->produced, 1) + 1 : ++counters->produced;
	frame->bytes = bytes;
	frame->cpu = bpf_get_smp_processor_id();
	frame->kind = kind;
	if (is_much(waiting, bytes))
		flags = BPF_RB_FORCE_WAKEUP;
	if (!is_room(waiting, room_for(kind)) || bpf_ringbuf_output(&ring, frame, bytes, flags)) {
		__sync_fetch_and_add(&counters->lost, 1);
		return false;
	}
	return true;
}

#endif
