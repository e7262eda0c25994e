"""A shell that does what a test tells it, one thing after the other; its processes are the test's own."""

import contextlib
import os
import select
import signal
import subprocess

OBEY = 'while read -r line; do eval "$line"; echo done; done'


class Shell:
    """Does commands to their end, or starts programs that live until the shell is closed; a context manager."""

    def __init__(self):
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", OBEY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._started = []
        self.pid = self._process.pid
        # Then all its records have one CPU's numbers, and any next one shows what is missing.
        os.sched_setaffinity(self.pid, {min(os.sched_getaffinity(0))})
        self.do("true")

    def do(self, *commands):
        """The lines that the commands printed."""
        self._process.stdin.write("; ".join(commands) + "\n")
        self._process.stdin.flush()
        return list(iter(self._process.stdout.readline, "done\n"))

    def start(self, command):
        """Starts a program in the background, and gives back its pid."""
        [pid] = map(int, self.do(f"{{ {command}; }} & echo $!"))
        self.has_started(pid)
        return pid

    def has_started(self, pid):
        """Has one more process end with the shell."""
        self._started.append(os.pidfd_open(pid))

    def close(self):
        """Ends what was started, and then the shell."""
        while self._started:
            kill(self._started.pop())
        self._process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def kill(pidfd):
    """Ends a process, and returns once it has."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    select.select([pidfd], [], [])
    os.close(pidfd)
