/*
 * storm [-f] [-r RATE] WORKERS EACH LATENCIES PROGRAM [ARG]...: each worker executes PROGRAM (first.c, or a program that
 * leaves descriptor 3 alone) EACH times, one after another, by vfork, or with -f by fork; with -r all of them together
 * RATE times a second, or as often as they can where that is less. To the file LATENCIES go the ns from execve(2) to the
 * first line of PROGRAM, as 64-bit numbers, 0 where the program does not say; and then as many from before the vfork
 * until PROGRAM has been waited for. A row of # in an ARG is each time another number, so that nobody can tell of an exec
 * without having seen it. vfork of a static program is the harshest load there is.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TOLD = 3 };

static int64_t ns(struct timespec time)
{
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return ns(time);
}

static void wait_until(int64_t when)
{
	struct timespec time = { when / 1000000000, when % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static char *find_row(char **argv)
{
	for (; *argv; argv++)
		if (strchr(*argv, '#'))
			return strchr(*argv, '#');
	return NULL;
}

static void put(char *row, size_t digits, long number)
{
	while (digits--) {
		row[digits] = '0' + number % 10;
		number /= 10;
	}
}

static void work(int forks, int64_t pause, long first_number, long each, int64_t *latencies, int64_t *turns,
		 volatile int64_t *began, char **argv)
{
	char *row = find_row(argv);
	size_t digits = row ? strspn(row, "#") : 0;
	int ends[2];
	int64_t due = now();

	if (pipe2(ends, O_CLOEXEC) || dup2(ends[1], TOLD + 2) < 0)
		err(1, "pipe2");
	/* The program has the writing end alone; neither end may be number TOLD before. */
	int reading = fcntl(ends[0], F_DUPFD_CLOEXEC, 10), writing = fcntl(TOLD + 2, F_DUPFD_CLOEXEC, 10);

	for (int fd = TOLD; fd < 10; fd++)
		close(fd);
	if (dup2(writing, TOLD) != TOLD)
		err(1, "dup2");
	close(writing);
	fcntl(reading, F_SETFL, O_NONBLOCK);

	for (long number = 0; number < each; number++) {
		if (pause) {
			wait_until(due);
			due += pause;
			if (due < now()) /* what was missed is not made up for: that would be another rate */
				due = now();
		}
		put(row, digits, first_number + number);
		int64_t turn = now();
		pid_t pid = forks ? fork() : vfork();
		struct timespec first;
		int status;

		if (pid == 0) {
			*began = now();
			execve(argv[0], argv, environ);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			errx(1, "%s did not run", argv[0]);
		turns[number] = now() - turn;
		if (read(reading, &first, sizeof(first)) == sizeof(first))
			latencies[number] = ns(first) - *began;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int forks = 0, failed = 0, status;
	long rate = 0;

	for (int option; (option = getopt(argc, argv, "+fr:")) != -1;) {
		if (option == 'r')
			rate = atol(optarg);
		else if (option == 'f')
			forks = 1;
		else
			return 2;
	}
	argv += optind - 1;
	if (argc - optind < 4)
		errx(2, "usage: storm [-f] [-r RATE] WORKERS EACH LATENCIES PROGRAM [ARG]...");
	long workers = atol(argv[1]), each = atol(argv[2]);
	int64_t pause = rate > 0 ? workers * 1000000000LL / rate : 0;
	size_t bytes = 2 * workers * each * sizeof(int64_t);
	int64_t *shared = mmap(NULL, bytes + workers * sizeof(int64_t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (shared == MAP_FAILED)
		err(1, "mmap");
	for (long worker = 0; worker < workers; worker++)
		if (!fork())
			work(forks, pause, worker * each, each, shared + worker * each,
			     shared + (workers + worker) * each, shared + 2 * workers * each + worker, argv + 4);
	while (wait(&status) > 0)
		failed |= status;

	int out = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char *at = (char *)shared;

	for (ssize_t wrote; bytes; at += wrote, bytes -= wrote)
		if ((wrote = write(out, at, bytes)) <= 0)
			err(1, "%s", argv[3]);
	return failed != 0;
}
