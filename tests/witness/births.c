/* SPDX-License-Identifier: Apache-2.0 */
/*
 * births HOW: makes children in one way. Creator and child tell of themselves; then one line
 * {"tid": …, "returned": …} says which thread asked for the child and what the call gave it.
 */
#include "tell.h"

#include <err.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/wait.h>

static void say_returned(long returned)
{
	if (returned < 0)
		err(1, "no child");
	printf("{\"label\":\"call\",\"tid\":%ld,\"returned\":%ld}\n", syscall(SYS_gettid), returned);
	fflush(stdout);
}

static void wait_for_all(void)
{
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void create(unsigned long flags)
{
	int ended[2];
	char byte;

	if (pipe(ended))
		err(1, "pipe");
	long pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (!pid) {
		tell("child");
		_exit(0);
	}
	/* One speaks after the other; for a sibling there is no waitpid(2). */
	close(ended[1]);
	if (read(ended[0], &byte, 1))
		errx(1, "a child that writes");
	close(ended[0]);
	wait_for_all();
	say_returned(pid);
}

static void by_fork(void)
{
	tell("creator");
	create(SIGCHLD);
}

static void by_vfork(void)
{
	tell("creator");
	pid_t pid = vfork();
	if (!pid) {
		tell("child");
		_exit(0);
	}
	wait_for_all();
	say_returned(pid);
}

/* The creator is a child of ours, and so is what it makes. */
static void by_clone_parent(void)
{
	pid_t pid = fork();

	if (!pid) {
		tell("creator");
		create(CLONE_PARENT | SIGCHLD);
		_exit(0);
	}
	wait_for_all();
}

static void into_pid_namespace(void)
{
	tell("creator");
	create(CLONE_NEWPID | SIGCHLD);
}

static void *create_in_thread(void *unused)
{
	create(SIGCHLD);
	return unused;
}

static void from_thread(void)
{
	pthread_t thread;

	tell("creator");
	pthread_create(&thread, NULL, create_in_thread, NULL);
	pthread_join(thread, NULL);
}

/* As nobody else can be told apart: each of the eight ids has its own number. */
static void with_many_ids(void)
{
	if (setresgid(201, 202, 203) || (setfsgid(204), setresuid(101, 102, 103)) || (setfsuid(103), 0))
		err(1, "ids");
	tell("creator");
	create(SIGCHLD);
}

static void *wait_in_thread(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

/* Seven threads that live at the same time. */
static void threads(void)
{
	pthread_t thread[7];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, 8);
	for (int i = 0; i < 7; i++)
		pthread_create(&thread[i], NULL, wait_in_thread, &barrier);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 7; i++)
		pthread_join(thread[i], NULL);
	tell("creator");
}

/* Two processes with one pid, one after the other. */
static void pid_reused(void)
{
	pid_t pid = 0;
	struct clone_args args = {.exit_signal = SIGCHLD};

	for (int i = 0; i < 2; i++) {
		if (pid) {
			args.set_tid = (uintptr_t)&pid;
			args.set_tid_size = 1;
		}
		long returned = syscall(SYS_clone3, &args, sizeof(args));
		if (!returned) {
			tell("child");
			_exit(0);
		}
		wait_for_all();
		say_returned(returned);
		pid = returned;
	}
}

static const struct {
	const char *name;
	void (*create)(void);
} ways[] = {
	{"fork", by_fork},	   {"vfork", by_vfork},	  {"clone-parent", by_clone_parent}, {"pidns", into_pid_namespace},
	{"thread", from_thread}, {"ids", with_many_ids}, {"threads", threads},	     {"reused", pid_reused},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc == 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].create();
			return 0;
		}
	errx(2, "usage: births HOW");
}
