/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stay [--child PROGRAM]: tells what the kernel says of it, and lives on until it is killed. It has the
 * program executed first, by a child that it never waits for and whose pid is then the label.
 */
#include "tell.h"

#include <err.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
	char label[16] = "stay";

	if (argc == 3 && !strcmp(argv[1], "--child")) {
		siginfo_t info;
		pid_t pid = fork();

		if (!pid) {
			execl(argv[2], argv[2], NULL);
			_exit(126);
		}
		if (pid < 0 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT))
			err(1, "no child");
		snprintf(label, sizeof(label), "%d", pid);
	}
	tell(label);
	for (;;)
		pause();
}
