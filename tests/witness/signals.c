/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals COUNT FIFO: a child sends its parent COUNT signals that queue, and a byte into FIFO after each
 * hundred of them; exit status 0 if each has come, else 1.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t came;

static void count(int number)
{
	came++;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
	int total = argc == 3 ? atoi(argv[1]) : 0, status;
	pid_t parent = getpid(), child;

	if (!total || sigaction(SIGRTMIN, &action, NULL))
		errx(2, "usage: signals COUNT FIFO");
	child = fork();
	if (child < 0)
		err(2, "fork");
	if (!child) {
		int fifo = open(argv[2], O_WRONLY);

		signal(SIGPIPE, SIG_IGN);
		for (int sent = 0; sent < total; sent++) {
			while (sigqueue(parent, SIGRTMIN, (union sigval){0}))
				sched_yield(); /* the queue is full */
			if (sent % 100 == 99 && write(fifo, "", 1) < 0)
				;
		}
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child)
		err(2, "waitpid");
	return came != total;
}
