/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks CPU EACH DIRECTORY...: one worker for each directory, all on one CPU and at once. The last name
 * of its directory is the worker's mark: its name, its working directory, and of what it executes, again
 * and again, the program, the arguments and the environment; and that what it fails to execute is called.
 */
#define _GNU_SOURCE
#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void execute(char *program, char *mark, char *text, int status_wanted)
{
	char variable[64], *argv[] = { mark, text, mark, NULL }, *env[] = { variable, NULL };
	pid_t pid;
	int status;

	snprintf(variable, sizeof(variable), "MARK=%s", mark);
	pid = vfork();
	if (!pid) {
		execve(program, argv, env);
		_exit(126);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != status_wanted)
		errx(1, "%s ended otherwise", program);
}

static void work(volatile long times, char *directory)
{
	char *mark = strrchr(directory, '/') + 1, none[64];
	/* Of every other worker more than goes into one frame. */
	size_t size = mark[0] % 2 ? 100 : 100000;
	char *text = malloc(size + 1);

	if (!text || chdir(directory) || prctl(PR_SET_NAME, mark))
		err(1, "%s", directory);
	memset(text, mark[0], size);
	text[size] = 0;
	snprintf(none, sizeof(none), "./%s-none", mark);
	for (; times > 0; times--) {
		execute(mark, mark, text, 0);
		execute(none, mark, mark, 126);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int failed = 0, status;
	cpu_set_t cpu;

	if (argc < 4)
		errx(2, "usage: marks CPU EACH DIRECTORY...");
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[1]), &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		err(1, "sched_setaffinity");
	for (int worker = 3; worker < argc; worker++)
		if (!fork())
			work(atol(argv[2]), argv[worker]);
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
