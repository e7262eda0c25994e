/*
 * gate COMMAND [ARG]...: waits for a line on standard input, runs the command, writes the ns it took, the µs of CPU it and
 * its descendants used, and its exit status to standard output, and waits for the end of standard input. So whoever
 * watches it can get ready before, and be looked at after.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	struct rusage used;
	char line;
	int status;

	if (argc < 2)
		errx(2, "usage: gate COMMAND [ARG]...");
	if (read(0, &line, 1) != 1)
		return 1;
	long long began = clock_ns();
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	if (wait4(pid, &status, 0, &used) != pid)
		err(1, "wait4");
	long long ns = clock_ns() - began;
	long long cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec +
			used.ru_stime.tv_usec;

	printf("%lld %lld %d\n", ns, cpu, status);
	fflush(stdout);
	return read(0, &line, 1) < 0;
}
