/*
 * crowd COUNT: has COUNT processes that do nothing, says so by a line on standard output, and ends with all of them once
 * standard input does.
 */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line;

	if (argc != 2)
		errx(2, "usage: crowd COUNT");
	for (long left = atol(argv[1]); left > 0; left--)
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	if (write(1, "\n", 1) != 1)
		err(1, "write");
	return read(0, &line, 1) < 0;
}
