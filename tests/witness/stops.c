/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stops: what job control and signals look like to those concerned, a line each: a child that is
 * stopped by each stop signal, and continued; one killed while it is stopped; one that gets signals
 * with a value; a call that is interrupted by one.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect(pid_t pid, const char *what)
{
	int status;

	if (waitpid(pid, &status, WUNTRACED | WCONTINUED) != pid)
		err(1, "waitpid");
	printf("%s: %s %d\n", what, WIFSTOPPED(status) ? "stopped" : WIFCONTINUED(status) ? "continued" : "ended",
	       WIFSTOPPED(status) ? WSTOPSIG(status) : WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
}

static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* A group of its own with its parent in the session: no orphan, else the terminal's stops do nothing. */
	setpgid(0, 0);
	raise(SIGSTOP);
	for (;;)
		pause();
}

static void stopped_and_continued(void)
{
	static const int signals[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	pid_t pid = sleeper();

	expect(pid, "itself");
	kill(pid, SIGCONT);
	expect(pid, "cont");
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		kill(pid, signals[i]);
		expect(pid, "stop");
		kill(pid, SIGCONT);
		expect(pid, "cont");
	}
	kill(pid, SIGSTOP);
	expect(pid, "stop");
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	/* Whether it is seen to go on before it ends is a race. */
	waitid(P_PID, pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	expect(pid, "term");
}

static void killed_while_stopped(void)
{
	pid_t pid = sleeper();

	expect(pid, "itself");
	kill(pid, SIGKILL);
	expect(pid, "kill");
}

static void with_values(void)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 3; i++) {
			sigwaitinfo(&set, &info);
			printf("signal: %d code %d value %d from parent %d\n", info.si_signo - (info.si_signo > 32) * SIGRTMIN,
			       info.si_code, info.si_value.sival_int, info.si_pid == getppid());
		}
		fflush(stdout);
		_exit(3);
	}
	sigqueue(pid, SIGUSR1, (union sigval){.sival_int = 5});
	sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 6});
	sigqueue(pid, SIGRTMIN, (union sigval){.sival_int = 7});
	expect(pid, "queue");
}

static siginfo_t seen;

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	seen = *info;
}

/* Until a process sleeps: state S of /proc/PID/stat, which no task has that is stopped or traced. */
static void wait_until_asleep(pid_t pid)
{
	char path[32], line[256], *state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		FILE *file = fopen(path, "r");

		if (!file || !fgets(line, sizeof(line), file))
			err(1, "%s", path);
		fclose(file);
		state = strrchr(line, ')');
	} while (!state || state[2] != 'S');
}

/* Delivered while it waits in a system call, which goes on or not as the flags of the handler say. */
static void interrupted(int flags)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};
	int pipes[2];
	char byte;

	sigaction(SIGUSR2, &action, NULL);
	if (pipe(pipes))
		err(1, "pipe");
	pid_t parent = getpid(), pid = fork();
	if (!pid) {
		wait_until_asleep(parent);
		sigqueue(parent, SIGUSR2, (union sigval){.sival_int = 8});
		wait_until_asleep(parent);
		_exit(write(pipes[1], "x", 1) != 1);
	}
	long got = read(pipes[0], &byte, 1);
	printf("read: %ld %s, value %d\n", got, got < 0 ? strerror(errno) : "", seen.si_value.sival_int);
	fflush(stdout);
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	stopped_and_continued();
	killed_while_stopped();
	with_values();
	interrupted(0);
	interrupted(SA_RESTART);
	return 5;
}
