/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between the kernel program and its readers: what one record, a
 * frame, looks like byte by byte, and the settings the reader hands over before
 * loading.
 *
 * Fixed-width types, largest first, no padding anywhere (-Wpadded is an error),
 * so the layout is the same for every compiler and both 64-bit architectures.
 * whatran.wire.layout mirrors it and a test compares the two through the BTF of
 * the built object; nothing is kept in step by hand alone.
 */
#ifndef WHATRAN_WIRE_H
#define WHATRAN_WIRE_H

#pragma clang diagnostic push
#pragma clang diagnostic error "-Wpadded"

#define COMM_BYTES 16 /* TASK_COMM_LEN, the terminating NUL included */

enum frame_kind {
	FRAME_EXEC = 1,
	FRAME_FORK = 2,
	FRAME_EXIT = 3,
	FRAME_TEXT = 4,
	FRAME_FAILED = 5,
	FRAME_KINDS = 6, /* a size for arrays indexed by kind */
};

/*
 * Bits of frame.unread: optional facts that could not be read. Bits 30 and 31
 * are user space's own, set where it has replaced secrets in argv and in env.
 */
enum unread {
	UNREAD_CMDPATH = 1 << 0,
	UNREAD_PATHNAME = 1 << 1,
	UNREAD_INTERP = 1 << 2,
	UNREAD_INTERPRETER = 1 << 3,
	UNREAD_STDIN = 1 << 4,
	UNREAD_CWD = 1 << 5,
	UNREAD_ARGV = 1 << 6,
	UNREAD_ENV = 1 << 7,
	UNREAD_BEFORE = 1 << 8, /* prev_… */
	UNREAD_SCRIPT = 1 << 9,
	UNREAD_CGROUP = 1 << 10,
};

/*
 * Starts every frame. Sequence numbers count from 1 for each pair of CPU and
 * kind, and count the records that were lost too: a hole in them is a loss.
 */
struct frame {
	__u64 sequence;
	__u64 time_boot_ns; /* CLOCK_BOOTTIME */
	__u32 bytes;        /* of the whole frame */
	__u32 cpu;
	enum frame_kind kind;
	enum unread unread;
};

/* The current task: on exec its new self, on fork the caller, on exit the one that ends. */
struct task {
	__u64 start_boot_ns; /* of the thread group's leader */
	__u64 ppid_start_boot_ns;
	__u64 cap_effective;
	__u64 cgroup_id;
	__u64 exec_id; /* task_struct.self_exec_id: one more with each exec, inherited by fork */
	__u32 pid; /* user space's word: the kernel's tgid */
	__u32 tid;
	__u32 ns_pid; /* the two in the task's own pid namespace */
	__u32 ns_tid;
	__u32 ppid;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 suid;
	__u32 sgid;
	__u32 fsuid;
	__u32 fsgid;
	__u32 loginuid;      /* ~0 where unset */
	__u32 audit_session; /* ~0 where unset */
	__u32 session_id;
	__u32 process_group;
	__u32 tty_dev; /* 0 where none */
	__u32 mnt_ns;
	__u32 pid_ns;
	__u32 user_ns;
	__u32 net_ns;
	__u32 uts_ns;
	__u32 ipc_ns;
	__u32 cgroup_ns;
	__u32 reserved;
	char comm[COMM_BYTES];
	char ppid_comm[COMM_BYTES];
};

enum file_flag {
	FILE_DETACHED = 1 << 0, /* the path walk ended at a dentry that hangs in no tree: a pipe, a memfd, … */
	FILE_UPPER = 1 << 1,    /* on an overlay: the file lies in the layer that is written to */
};

/* A file by its inode; all zero where there is none. */
struct file_id {
	__u64 inode;
	__s64 ctime_sec;
	__u32 ctime_nsec;
	__u32 dev;    /* the kernel's own encoding, major << 20 | minor */
	__u32 mode;   /* type and permission bits */
	__u32 nlink;
	__u32 fs_magic;
	enum file_flag flags;
};

/*
 * A text in the tail of an exec frame. Paths are written leaf first, each component
 * followed by a NUL, as the kernel's dentries are walked: "/usr/bin/id" is
 * "id\0bin\0usr\0". argv and env are the strings as the process got them, each
 * with its NUL.
 */
struct text {
	__u32 bytes; /* in this frame */
	__u32 full;  /* there were; more than bytes says the text was cut */
};

enum exec_flag {
	EXEC_FROM_KERNEL = 1 << 0, /* the parent is a kernel thread */
	EXEC_SECURE = 1 << 1,      /* bprm->secureexec: AT_SECURE is set */
	EXEC_ENV = 1 << 2,         /* env was asked for */
	EXEC_REPAIRED = 1 << 3,    /* no record of the exec: what the living task says of it later */
	EXEC_UNEXECUTED = 1 << 4,  /* on a repaired one: the task has executed nothing since its fork, or is about to */
	EXEC_CUT = 1 << 5,         /* env, or some of argv, was given up as the ring was filling */
};

struct exec_frame {
	struct frame head;
	struct task task;
	__u64 prev_cap_effective; /* before the exec */
	__u32 prev_euid;
	__u32 prev_egid;
	struct file_id file;
	struct file_id interpreter;
	struct file_id script;
	struct file_id stdin_file;
	struct text cmdpath; /* the tail, in this order, is these texts end to end */
	struct text interp;
	struct text pathname;
	struct text interpreter_pathname;
	struct text script_pathname;
	struct text stdin_path;
	struct text cwd;
	struct text cgroup;
	struct text argv;
	struct text env;
	__u32 argv_more; /* bytes that follow in text frames */
	__u32 env_more;
	__u32 argc;
	__u32 envc;
	__u32 old_tid; /* tid of the thread that called execve; differs from task.tid if it was no leader */
	enum exec_flag flags;
	char prev_comm[COMM_BYTES];
};

/* An execve(2) or execveat(2) that returned an error; its texts follow as in an exec frame. */
struct failed_frame {
	struct frame head;
	struct task task;
	struct text cmdpath;
	struct text argv;
	__u32 argc; /* arguments in argv */
	__u32 error; /* errno(3) */
};

enum text_of {
	TEXT_ARGV = 0,
	TEXT_ENV = 1,
};

/*
 * More of an exec's argv or env, which did not fit into its frame: the bytes come
 * after this. Sent right behind the exec by the same CPU, whose next exec says that
 * no more will come.
 */
struct text_frame {
	struct frame head;
	__u64 exec_sequence;
	__u32 offset; /* in the whole text */
	enum text_of text;
};

struct fork_frame {
	struct frame head;
	struct task task;
	__u64 parent_start_boot_ns; /* of the calling thread */
	__u64 start_boot_ns;        /* of the new task */
	__u32 parent_tid;
	__u32 parent_ns_tid;
	__u32 parent_pid;
	__u32 parent_ns_pid;
	__u32 child_tid;
	__u32 child_ns_tid;
	__u32 child_pid;
	__u32 child_ns_pid;
	__u32 parent_process_tid; /* the leader of the child's parent as getppid() has it */
	__u32 parent_process_ns_tid;
	__u32 parent_process_pid;
	__u32 reserved;
};

enum exit_flag {
	EXIT_GROUP = 1 << 0, /* the whole thread group is gone */
};

struct exit_frame {
	struct frame head;
	struct task task;
	__u64 utime_ns; /* as the tick counted them; runtime_ns is the scheduler's sum of the two */
	__u64 stime_ns;
	__u64 runtime_ns;
	__u64 max_rss_pages;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 rchar; /* the names of /proc/PID/io */
	__u64 wchar;
	__u64 read_bytes;
	__u64 write_bytes;
	__u32 status; /* as wait(2) gives it */
	enum exit_flag flags;
};

/* Counted per CPU and kind in the kernel, never reset: sent = produced - lost. */
struct counters {
	__u64 produced;
	__u64 lost;     /* the ring was full */
	__u64 failed;   /* the record could not be built: no scratch memory */
	__u64 cut;      /* sent with EXEC_CUT */
	__u64 limited;  /* not made, as its cgroup had its share of this second */
};

#define SETTINGS_UIDS 16 /* the verifier walks each list in full: keep them short */
#define SETTINGS_COMMS 8
#define SETTINGS_CGROUPS 8 /* wanted, and as many not wanted */

/* What pids[] says of a pid. */
enum scope {
	SCOPE_SELF = 1 << 0, /* this process is wanted */
	SCOPE_TREE = 1 << 1, /* its children are too, and theirs */
	SCOPE_OUT = 1 << 2,  /* neither it nor its descendants are wanted */
	SCOPE_END = 1 << 3,  /* its exit is wanted, as it was seen in a cgroup that is */
};

/* Constant once loaded, so the verifier removes what is switched off. Zero is off. */
struct settings {
	__u32 kinds; /* bit 1 << frame_kind for each kind to send */
	__u32 scoped; /* only processes that pids[] or cgroups[] name */
	__u32 use_pids; /* pids[] says something */
	__u32 want_env;
	__u32 want_threads; /* forks and exits of threads too */
	__u32 ring_bytes; /* of the ring buffer */
	__u32 uid_count;
	__u32 comm_count;
	__u32 max_argv; /* bytes to keep at most; what is beyond is cut and flagged */
	__u32 max_env;
	__u32 uids_unwanted; /* the list names those not wanted */
	__u32 comms_unwanted;
	__u32 cgroup_count; /* from 0 in cgroups[] */
	__u32 not_cgroup_count; /* from SETTINGS_CGROUPS in cgroups[] */
	__u32 rate_limit; /* records of a kind that a cgroup may have sent in a second */
	__u32 unwanted; /* bits of enum unread: what of execs nobody asked for, where it takes time to read */
	__u32 uids[SETTINGS_UIDS];
	char comms[SETTINGS_COMMS][COMM_BYTES];
	char command[COMM_BYTES]; /* whoever takes this name is the command, in scope with its tree */
};

#pragma clang diagnostic pop
#endif
