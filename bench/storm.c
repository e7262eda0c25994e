/* storm N PROGRAM: runs PROGRAM N times, one after another, by vfork and execve: the harshest load there is. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int left = argc == 3 ? atoi(argv[1]) : 0;

	while (left-- > 0) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve(argv[2], argv + 2, environ);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}
