/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage HOW …: makes processes whose parents are not who made them, or who have the same pid, and
 * has them execute a program. Each process is named after its part.
 *
 * daemon PROGRAM        in a grandchild ("adopter", "middle"), adopted by us as its parent has ended
 * sibling PROGRAM       in a child of ours that another child of ours ("creator") made
 * nest DEPTH PROGRAM    in a child of the innermost of nested processes ("nest-1" …), and then in that itself,
 *                       which says "ready PID" and waits for a line before
 * reuse TIMES PROGRAM…  in several processes one after another with one pid ("creator-0" …), with their number
 *
 * daemon and sibling give PROGRAM the pid of who made it as its argument.
 */
#define _GNU_SOURCE
#include <err.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void name(const char *format, int number)
{
	char comm[16];

	snprintf(comm, sizeof(comm), format, number);
	prctl(PR_SET_NAME, comm);
}

static void wait_for_all(void)
{
	while (wait(NULL) > 0)
		;
}

static pid_t forked(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	return pid;
}

static void execute(char *program, int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", number);
	execl(program, program, text, NULL);
	err(126, "%s", program);
}

static void adopted(char **argv)
{
	name("adopter", 0);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(1, "prctl");
	if (forked())
		return wait_for_all();
	name("middle", 0);
	pid_t middle = getpid();
	if (forked())
		_exit(0);
	while (getppid() == middle)
		sched_yield();
	execute(argv[0], middle);
}

static void sibling(char **argv)
{
	if (forked())
		return wait_for_all();
	name("creator", 0);
	pid_t creator = getpid();
	long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		err(1, "clone");
	if (!pid)
		execute(argv[0], creator);
	_exit(0);
}

static void nest(char **argv)
{
	int depth = atoi(argv[0]);

	for (int i = 1; i <= depth; i++) {
		if (forked())
			return wait_for_all();
		name("nest-%d", i);
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (getchar() == EOF)
		errx(1, "not told to go on");
	if (!forked())
		execute(argv[1], 1);
	wait_for_all();
	execute(argv[1], 2);
}

static void reuse(char **argv)
{
	int times = atoi(argv[0]), argc = 0;
	pid_t pid = forked();

	/* The one that was free a moment ago: nobody gets it again before all others were given out. */
	if (!pid)
		_exit(0);
	wait_for_all();
	while (argv[++argc])
		;
	for (int i = 0; i < times; i++) {
		struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};

		if (!forked()) {
			name("creator-%d", i);
			long made = syscall(SYS_clone3, &args, sizeof(args));
			if (made < 0)
				err(1, "clone3");
			if (!made) {
				char number[16], *with_number[argc + 1];

				snprintf(number, sizeof(number), "%d", i);
				memcpy(with_number, argv + 1, (argc - 1) * sizeof(*argv));
				with_number[argc - 1] = number;
				with_number[argc] = NULL;
				execv(argv[1], with_number);
				err(126, "%s", argv[1]);
			}
			wait_for_all();
			_exit(0);
		}
		wait_for_all();
	}
	printf("pid %d\n", pid);
}

static const struct {
	const char *name;
	void (*make)(char **argv);
} ways[] = {{"daemon", adopted}, {"sibling", sibling}, {"nest", nest}, {"reuse", reuse}};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].make(argv + 2);
			return 0;
		}
	errx(2, "usage: lineage HOW …");
}
