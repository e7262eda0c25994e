/* SPDX-License-Identifier: Apache-2.0 */
/* storm WORKERS EACH PROGRAM [ARG]...: each worker executes the program that often, as fast as it can. */
#include <err.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void work(volatile long times, char **argv)
{
	for (; times > 0; times--) {
		pid_t pid = vfork();

		if (!pid) {
			execve(argv[0], argv, environ);
			_exit(126);
		}
		int status;
		if (waitpid(pid, &status, 0) != pid || status)
			errx(1, "%s did not run", argv[0]);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int failed = 0, status;

	if (argc < 4)
		errx(2, "usage: storm WORKERS EACH PROGRAM [ARG]...");
	for (long worker = 0; worker < atol(argv[1]); worker++)
		if (!fork())
			work(atol(argv[2]), argv + 3);
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
