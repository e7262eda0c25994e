/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd COUNT HOW [PROGRAM]: has COUNT threads at the same time, which then end by themselves (end), with
 * the process (exit) or as the leader executes the program (exec).
 */
#include <err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STACK_BYTES 65536

static pthread_barrier_t barrier;
static int waiting;

static void *be_there(void *unused)
{
	pthread_barrier_wait(&barrier);
	while (waiting)
		pause();
	return unused;
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;
	pthread_t *threads = calloc(count, sizeof(*threads));
	pthread_attr_t attributes;

	if (!count)
		errx(2, "usage: crowd COUNT HOW [PROGRAM]");
	waiting = strcmp(argv[2], "end");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_barrier_init(&barrier, NULL, count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], &attributes, be_there, NULL))
			errx(1, "pthread_create");
	pthread_barrier_wait(&barrier);
	if (!waiting)
		for (int i = 0; i < count; i++)
			pthread_join(threads[i], NULL);
	if (!strcmp(argv[2], "exec")) {
		execv(argv[3], argv + 3);
		err(126, "%s", argv[3]);
	}
	return 7;
}
