/* SPDX-License-Identifier: Apache-2.0 */
/* starts HOW PROGRAM [ARG]...: executes a program as others do, none of them a shell. */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void in_vfork_child(char **argv)
{
	pid_t pid = vfork();

	if (!pid) {
		execve(argv[0], argv, environ);
		_exit(126);
	}
	waitpid(pid, NULL, 0);
}

static void by_posix_spawn(char **argv)
{
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ))
		errx(126, "%s", argv[0]);
	waitpid(pid, NULL, 0);
}

/* With a file of the current directory, "other", open 2,000 times until the exec. */
static void with_descriptors(char **argv)
{
	struct rlimit many = {4096, 4096};

	if (setrlimit(RLIMIT_NOFILE, &many))
		err(1, "RLIMIT_NOFILE");
	for (int i = 0; i < 2000; i++)
		if (open("other", O_RDONLY | O_CLOEXEC) < 0)
			err(1, "other");
	execve(argv[0], argv, environ);
	err(126, "%s", argv[0]);
}

static pthread_barrier_t together;

static void *execute(void *argv)
{
	pthread_barrier_wait(&together);
	execve(*(char **)argv, argv, environ);
	return NULL;
}

/* In 20 children, one after the other, each by four threads at once. */
static void by_threads_at_once(char **argv)
{
	pthread_t thread;
	pid_t pid;

	pthread_barrier_init(&together, NULL, 4);
	for (int i = 0; i < 20; i++) {
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			for (int j = 0; j < 3; j++)
				if (pthread_create(&thread, NULL, execute, argv))
					errx(1, "pthread_create");
			execute(argv);
			_exit(126);
		}
		waitpid(pid, NULL, 0);
	}
}

static const struct {
	const char *name;
	void (*start)(char **argv);
} ways[] = {
	{"vfork", in_vfork_child},
	{"spawn", by_posix_spawn},
	{"descriptors", with_descriptors},
	{"at-once", by_threads_at_once},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].start(argv + 2);
			return 0;
		}
	errx(2, "usage: starts HOW PROGRAM [ARG]...");
}
