/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bomb COUNT WIDTH FILE: a fork bomb of COUNT processes, never more than WIDTH at once, zombies among
 * them. Each executes "bomb NUMBER FILE", makes two more if it may, and ends with status NUMBER % 128
 * without waiting for them. FILE tells afterwards, for each number from 1 on, its pid and that of its
 * creator.
 */
#include <err.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROKEN 255

static struct shared {
	_Atomic int count, width, made, alive;
	struct {
		int pid, creator;
	} born[];
} *shared;

static void map(const char *path, int create, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | create, 0600);
	struct stat st;

	if (fd < 0 || (bytes && ftruncate(fd, bytes)) || fstat(fd, &st))
		err(BROKEN, "%s", path);
	shared = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		err(BROKEN, "mmap");
	close(fd);
}

/* The number of one more process; 0 where there are enough of them, now or at all. */
static int next_number(void)
{
	if (++shared->alive <= shared->width) {
		int number = ++shared->made;

		if (number <= shared->count)
			return number;
	}
	shared->alive--;
	return 0;
}

static int make_one(char *path)
{
	char text[16];
	int number = next_number();

	if (!number)
		return 0;
	snprintf(text, sizeof(text), "%d", number);
	shared->born[number - 1].creator = getpid();

	pid_t pid = fork();
	if (pid < 0)
		err(BROKEN, "fork");
	if (!pid) {
		shared->born[number - 1].pid = getpid();
		execve("/proc/self/exe", (char *[]){"bomb", text, path, NULL}, (char *[]){NULL});
		err(BROKEN, "exec");
	}
	return 1;
}

int main(int argc, char **argv)
{
	int status;

	if (argc == 3) {
		map(argv[2], 0, 0);
		make_one(argv[2]);
		make_one(argv[2]);
		return atoi(argv[1]) % 128;
	}
	if (argc != 4)
		errx(BROKEN, "usage: bomb COUNT WIDTH FILE");

	map(argv[3], O_CREAT | O_TRUNC, sizeof(*shared) + atol(argv[1]) * sizeof(*shared->born));
	shared->count = atoi(argv[1]);
	shared->width = atoi(argv[2]);
	/* Whoever lost its creator becomes ours, so that we wait for all; where the last has ended, one more begins anew. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		err(BROKEN, "prctl");
	while (make_one(argv[3]))
		while (wait(&status) > 0) {
			if (!WIFEXITED(status) || WEXITSTATUS(status) == BROKEN)
				errx(BROKEN, "one of them broke");
			shared->alive--;
		}
}
