/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends TIMES HOW NUMBER: forks children that end in one way, one after the other, and says of
 * each what the kernel keeps of it: /proc/PID of the zombie, then what wait4(2) gives.
 */
#include "tell.h"

#include <err.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static long number;
static pthread_barrier_t barrier;

static void by_exit(void)
{
	exit(number);
}

static void by_signal(void)
{
	raise(number);
}

static void with_core(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_CORE, &unlimited))
		err(1, "RLIMIT_CORE");
	raise(number);
}

/* Returns once the leader is a zombie. */
static void wait_for_leader(void)
{
	char path[64], *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	do {
		sched_yield();
		if (tell_slurp(path) <= 0)
			errx(1, "%s", path);
		state = strrchr(tell_buffer, ')') + 2;
	} while (*state != 'Z');
}

static void *end_group_after_leader(void *unused)
{
	wait_for_leader();
	syscall(SYS_exit_group, number);
	return unused;
}

static void *end_thread_after_leader(void *unused)
{
	wait_for_leader();
	syscall(SYS_exit, 9);
	return unused;
}

static void leader_first(void *(*other)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, other, NULL))
		errx(1, "pthread_create");
	syscall(SYS_exit, other == end_thread_after_leader ? number : 5);
}

/* The last thread ends them all with NUMBER. */
static void leader_then_group(void)
{
	leader_first(end_group_after_leader);
}

/* The leader ends with NUMBER, the last thread with 9, and nobody ends the group: which counts, kernels differ. */
static void leader_then_thread(void)
{
	leader_first(end_thread_after_leader);
}

static void *race(void *index)
{
	pthread_barrier_wait(&barrier);
	syscall((intptr_t)index % 2 ? SYS_exit : SYS_exit_group, (intptr_t)index);
	return NULL;
}

/* NUMBER threads end at once, half of them the whole group. */
static void racing(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, number);
	for (intptr_t i = 1; i < number; i++)
		if (pthread_create(&thread, NULL, race, (void *)i))
			errx(1, "pthread_create");
	race((void *)0);
}

static long cpu_ms(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* NUMBER ms of CPU, about half of it in the kernel. */
static void spinning(void)
{
	int zero = open("/dev/zero", O_RDONLY);

	while (cpu_ms() < number)
		for (int i = 0; i < 8; i++)
			if (read(zero, tell_buffer, 1 << 20) < 0)
				err(1, "/dev/zero");
	while (cpu_ms() < 2 * number)
		for (volatile int i = 0; i < 1000000; i++)
			;
	_exit(0);
}

/* NUMBER MiB of memory. */
static void touching(void)
{
	explicit_bzero(malloc(number << 20), number << 20);
	_exit(0);
}

static void *touch_in_thread(void *unused)
{
	explicit_bzero(malloc(1 << 20), 1 << 20);
	return unused;
}

/* NUMBER threads that each touch memory and end before the process does. */
static void touching_in_threads(void)
{
	for (long i = 0; i < number; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, touch_in_thread, NULL))
			errx(1, "pthread_create");
		pthread_join(thread, NULL);
	}
	_exit(0);
}

/* NUMBER times 1000 bytes read, and 10 written to a file that reaches the disk. */
static void copying(void)
{
	int zero = open("/dev/zero", O_RDONLY), out = open("copied", O_WRONLY | O_CREAT, 0600);

	for (long i = 0; i < number; i++)
		if (read(zero, tell_buffer, 1000) != 1000 || write(out, tell_buffer, 10) != 10)
			err(1, "copying");
	fsync(out);
	_exit(0);
}

static void sleeping(void)
{
	struct timespec wanted = {number / 1000, number % 1000 * 1000000};

	clock_nanosleep(CLOCK_BOOTTIME, 0, &wanted, NULL);
	_exit(0);
}

static const struct {
	const char *name;
	void (*end)(void);
} ways[] = {
	{"exit", by_exit},
	{"signal", by_signal},
	{"core", with_core},
	{"leader-then-group", leader_then_group},
	{"leader-then-thread", leader_then_thread},
	{"race", racing},
	{"spin", spinning},
	{"touch", touching},
	{"touch-threads", touching_in_threads},
	{"copy", copying},
	{"sleep", sleeping},
};

static void zombie_file(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	long size = tell_slurp(path);
	putchar(',');
	tell_bytes(name, tell_buffer, size);
}

static void say_end(pid_t pid)
{
	siginfo_t info;
	struct rusage ru;
	int status;

	if (waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
		err(1, "waitid");
	printf("{\"label\":\"end\",\"pid\":%d", pid);
	zombie_file(pid, "stat");
	zombie_file(pid, "io");
	if (wait4(pid, &status, 0, &ru) != pid)
		err(1, "wait4");
	printf(",\"status\":%d,\"utime_ns\":%ld,\"stime_ns\":%ld,\"maxrss\":%ld,\"minflt\":%ld,\"majflt\":%ld}\n", status,
	       ru.ru_utime.tv_sec * 1000000000 + ru.ru_utime.tv_usec * 1000,
	       ru.ru_stime.tv_sec * 1000000000 + ru.ru_stime.tv_usec * 1000, ru.ru_maxrss, ru.ru_minflt, ru.ru_majflt);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		errx(2, "usage: ends TIMES HOW NUMBER");
	number = atol(argv[3]);
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		for (long left = strcmp(argv[2], ways[i].name) ? 0 : atol(argv[1]); left > 0; left--) {
			pid_t pid = fork();

			if (!pid)
				ways[i].end();
			say_end(pid);
		}
	return 0;
}
