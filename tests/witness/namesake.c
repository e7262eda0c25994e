/* SPDX-License-Identifier: Apache-2.0 */
/*
 * namesake TIMES: executes itself so often, each time under the name "before", while another task,
 * whose number is the same in its lower 12 bits, does so without end under the name "another".
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOWER_BITS 0xfff

static void execute_self(const char *name, const char *who, long number)
{
	char decimal[16];

	snprintf(decimal, sizeof(decimal), "%ld", number);
	prctl(PR_SET_NAME, name);
	execl("/proc/self/exe", "namesake", who, decimal, NULL);
	err(1, "exec");
}

/* One that has another number is waited for, so that there are never many. */
static void start_another(void)
{
	pid_t us = getpid();

	for (;;) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (!pid && (getpid() & LOWER_BITS) == (us & LOWER_BITS))
			execute_self("another", "another", us);
		if (!pid)
			_exit(0);
		if ((pid & LOWER_BITS) == (us & LOWER_BITS))
			return;
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	long number = argc > 1 ? atol(argv[argc - 1]) : 0;

	if (argc == 3 && !strcmp(argv[1], "another")) {
		if (getppid() == number)
			execute_self("another", "another", number);
		return 0;
	}
	if (argc == 2)
		start_another();
	if (number)
		execute_self("before", "itself", number - 1);
	return 0;
}
