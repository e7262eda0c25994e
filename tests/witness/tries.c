/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries LABEL HOW PATH [ARG]...: executes PATH with those arguments in one way, which should fail, and
 * says what was asked for and what came of it; an address that cannot be is told as null.
 */
#include "tell.h"

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>

extern char **environ;

static const char *label;
static char *const nowhere = (char *)1;

static void put_hex(const char *string)
{
	/* With its NUL. */
	do
		printf("%02x", (unsigned char)*string);
	while (*string++);
}

static void say(long pid, long tid, const char *path, char **argv, int error)
{
	printf("{\"label\":\"%s\",\"pid\":%ld,\"tid\":%ld,\"errno\":%d,\"path\":", label, pid, tid, error);
	if (path == nowhere) {
		printf("null");
	} else {
		putchar('"');
		put_hex(path);
		putchar('"');
	}
	int known = argv != (void *)nowhere;
	for (int i = 0; known && argv && argv[i]; i++)
		known = argv[i] != nowhere;
	printf(",\"argv\":");
	if (!known) {
		printf("null}\n");
		return;
	}
	putchar('"');
	for (int i = 0; argv && argv[i]; i++)
		put_hex(argv[i]);
	printf("\"}\n");
}

static void try(const char *path, char **argv)
{
	syscall(SYS_execve, path, argv, environ);
	say(getpid(), syscall(SYS_gettid), path, argv, errno);
}

static void plainly(char **argv)
{
	try(argv[0], argv);
}

/* Says first what the kernel says of it. */
static void telling(char **argv)
{
	tell("task");
	plainly(argv);
}

static void by_execveat(char **argv)
{
	syscall(SYS_execveat, AT_FDCWD, argv[0], argv, environ, 0);
	say(getpid(), syscall(SYS_gettid), argv[0], argv, errno);
}

static void with_unknown_flags(char **argv)
{
	syscall(SYS_execveat, AT_FDCWD, argv[0], argv, environ, ~0);
	say(getpid(), syscall(SYS_gettid), argv[0], argv, errno);
}

static void while_written_to(char **argv)
{
	if (open(argv[0], O_RDWR | O_CLOEXEC) < 0)
		err(1, "%s", argv[0]);
	try(argv[0], argv);
}

static void in_vfork_child(char **argv)
{
	volatile int error = 0;
	pid_t pid = vfork();

	if (!pid) {
		execve(argv[0], argv, environ);
		error = errno;
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	say(pid, pid, argv[0], argv, error);
}

/* Not even a list of arguments, which Linux takes for an empty one. */
static void without_list(char **argv)
{
	try(argv[0], NULL);
}

static void with_empty_list(char **argv)
{
	try(argv[0], (char *[]){NULL});
}

static void with_bad_list(char **argv)
{
	try(argv[0], (char **)nowhere);
}

static void with_bad_argument(char **argv)
{
	try(argv[0], (char *[]){argv[0], nowhere, NULL});
}

static void with_bad_path(char **argv)
{
	try(nowhere, argv);
}

/* tries LABEL long PATH COUNT BYTES: with COUNT arguments of so many bytes each. */
static void with_long_arguments(char **argv)
{
	long count = atol(argv[1]), bytes = atol(argv[2]);
	char *argument = malloc(bytes + 1), **arguments = calloc(count + 1, sizeof(*arguments));

	memset(argument, 'x', bytes);
	argument[bytes] = '\0';
	for (long i = 0; i < count; i++)
		arguments[i] = argument;
	try(argv[0], arguments);
}

static char **wanted;
static pthread_barrier_t together;

/* Searches three folders for its own name, again and again. */
static void *search(void *name)
{
	long times = atol(wanted[1]);
	char path[3][256];

	for (int i = 0; i < 3; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%d/%s", wanted[0], i, (char *)name);
	pthread_barrier_wait(&together);
	for (long at = 0; at < 3 * times; at++)
		execve(path[at % 3], (char *[]){name, NULL}, environ);
	flockfile(stdout);
	for (int i = 0; i < 3; i++)
		say(getpid(), syscall(SYS_gettid), path[i], (char *[]){name, NULL}, errno);
	funlockfile(stdout);
	return NULL;
}

/* tries LABEL threads PATH TIMES: two threads search at once, and end together. */
static void in_two_threads(char **argv)
{
	pthread_t thread[2];

	wanted = argv;
	pthread_barrier_init(&together, NULL, 2);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, search, i ? "second" : "first"))
			errx(1, "pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static const struct {
	const char *name;
	void (*act)(char **argv);
} ways[] = {
	{"plain", plainly},
	{"telling", telling},
	{"execveat", by_execveat},
	{"flags", with_unknown_flags},
	{"busy", while_written_to},
	{"vfork", in_vfork_child},
	{"no-list", without_list},
	{"empty-list", with_empty_list},
	{"bad-list", with_bad_list},
	{"bad-argument", with_bad_argument},
	{"bad-path", with_bad_path},
	{"long", with_long_arguments},
	{"threads", in_two_threads},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 3 && i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[2], ways[i].name)) {
			label = argv[1];
			ways[i].act(argv + 3);
			return 0;
		}
	errx(2, "usage: tries LABEL HOW PATH [ARG]...");
}
