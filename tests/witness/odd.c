/* SPDX-License-Identifier: Apache-2.0 */
/* odd HOW PROGRAM [ARG]...: executes a program in an odd way that no shell offers. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void execute_at(int dir, const char *name, char **argv, int flags)
{
	syscall(SYS_execveat, dir, name, argv, environ, flags);
	err(126, "execveat");
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(127, "%s", path);
	return fd;
}

/* Runs a copy of the program that is in memory only. */
static void in_memfd(char **argv)
{
	int from = opened(argv[0], O_RDONLY), to = memfd_create("odd one", 0);
	struct stat st;

	if (fstat(from, &st) || sendfile(to, from, NULL, st.st_size) != st.st_size)
		err(1, "memfd");
	execute_at(to, "", argv, AT_EMPTY_PATH);
}

static void by_descriptor(char **argv)
{
	execute_at(opened(argv[0], O_PATH), "", argv, AT_EMPTY_PATH);
}

static void by_name_in_directory(char **argv)
{
	char *slash = strrchr(argv[0], '/');

	*slash = '\0';
	execute_at(opened(argv[0], O_PATH | O_DIRECTORY), slash + 1, argv, 0);
}

/* By a name of nearly PATH_MAX: the directory's own, many times over. */
static void by_long_name(char **argv)
{
	char *slash = strrchr(argv[0], '/');
	char name[4096] = "";
	size_t at = 0;

	while (at + 2 + strlen(slash) < sizeof(name)) {
		memcpy(name + at, "./", 2);
		at += 2;
	}
	strcpy(name + at, slash + 1);
	*slash = '\0';
	execute_at(opened(argv[0], O_PATH | O_DIRECTORY), name, argv, 0);
}

/* Removes the program first. */
static void deleted(char **argv)
{
	int fd = opened(argv[0], O_PATH);

	if (unlink(argv[0]))
		err(1, "%s", argv[0]);
	execute_at(fd, "", argv, AT_EMPTY_PATH);
}

static void without_arguments(char **argv)
{
	char *none[] = {NULL};

	execve(argv[0], none, environ);
	err(126, "%s", argv[0]);
}

static void *execute_in_thread(void *argument)
{
	char **argv = argument, tid[16];

	snprintf(tid, sizeof(tid), "%ld", syscall(SYS_gettid));
	execve(argv[0], (char *[]){argv[0], "before", tid, NULL}, environ);
	err(126, "%s", argv[0]);
}

/* From a thread that is not the leader; PROGRAM gets "before TID" as arguments. */
static void from_thread(char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, execute_in_thread, argv))
		errx(1, "pthread_create");
	pthread_join(thread, NULL);
}

/* odd named COMM PROGRAM */
static void named(char **argv)
{
	prctl(PR_SET_NAME, argv[0]);
	execve(argv[1], argv + 1, environ);
	err(126, "%s", argv[1]);
}

/* In the grandchild, once it has another parent; ends after it. */
static void as_daemon(char **argv)
{
	int ended[2];
	char byte;

	if (pipe(ended))
		err(1, "pipe");
	pid_t child = fork();
	if (!child) {
		child = getpid();
		setsid();
		if (fork())
			_exit(0);
		/* A death closes files some time before it gives children away. */
		while (getppid() == child)
			sched_yield();
		execve(argv[0], argv, environ);
		_exit(126);
	}
	close(ended[1]);
	waitpid(child, NULL, 0);
	if (read(ended[0], &byte, 1))
		exit(1);
	exit(0);
}

static const struct {
	const char *name;
	void (*execute)(char **argv);
} ways[] = {
	{"memfd", in_memfd},	       {"fd", by_descriptor},	{"dirfd", by_name_in_directory}, {"deleted", deleted},
	{"dirfd-long", by_long_name},
	{"argc0", without_arguments}, {"thread", from_thread}, {"named", named},		 {"daemon", as_daemon},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 2 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name))
			ways[i].execute(argv + 2);
	errx(2, "usage: odd HOW PROGRAM [ARG]...");
}
