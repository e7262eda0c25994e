/* SPDX-License-Identifier: Apache-2.0 */
/* limit: a fork bomb that goes on until it is refused; all it made end then, with 3. */
#include <err.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int refused[2], status;
	char byte;
	pid_t pid;

	if (pipe(refused))
		err(1, "pipe");
	while ((pid = fork()) >= 0)
		if (!pid) {
			close(refused[1]);
			_exit(read(refused[0], &byte, 1) ? 4 : 3);
		}
	if (errno != EAGAIN)
		err(1, "fork");
	close(refused[1]);
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 3)
			return 1;
	return 0;
}
