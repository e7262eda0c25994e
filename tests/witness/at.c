/* SPDX-License-Identifier: Apache-2.0 */
/*
 * at PATH NUMBER SIGNAL COMMAND [ARG]...: runs a command and sends it a signal at the beginning or the end of one of its
 * system calls: of these moments NUMBER after the first that opens a file with PATH in its name. There it is halted, its
 * pid is printed, and it goes on, with the signal, after a line on standard input. The last line is how many moments
 * there were; the status is the command's, as a shell has it. Its standard input and output are /dev/null.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int opens(pid_t pid, const char *path)
{
	struct __ptrace_syscall_info info;
	char name[4096] = "";

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		err(1, "PTRACE_GET_SYSCALL_INFO");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_openat)
		return 0;
	/* A byte at a time would be enough; what ends at the end of a mapping is read up to there. */
	struct iovec to = { name, sizeof(name) - 1 }, from = { (void *)info.entry.args[1], sizeof(name) - 1 };
	while (process_vm_readv(pid, &to, 1, &from, 1, 0) < 0 && from.iov_len > 1)
		from.iov_len /= 2;
	return strstr(name, path) != NULL;
}

int main(int argc, char **argv)
{
	if (argc < 5)
		errx(2, "usage: at PATH NUMBER SIGNAL COMMAND [ARG]...");
	const char *path = argv[1];
	long number = atol(argv[2]), calls = -1;
	int sig = atoi(argv[3]), status, inject = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		close(null);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "fork");
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		err(1, "PTRACE_SETOPTIONS");
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, 0, inject); /* what was killed is gone by now */
		if (waitpid(pid, &status, 0) != pid)
			err(1, "waitpid");
		if (!WIFSTOPPED(status))
			break;
		inject = 0;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8))
			continue;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			inject = WSTOPSIG(status);
			continue;
		}
		if (calls < 0 && !opens(pid, path))
			continue;
		if (++calls == number) {
			char line[2];

			printf("%d\n", pid);
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				return 1;
			if (sig)
				kill(pid, sig);
		}
	}
	printf("%ld\n", calls);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
