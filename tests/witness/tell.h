/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tell(): one line of JSON with what the kernel says of the calling process.
 *
 * Nothing is interpreted here: files under /proc, links and stat buffers go out
 * as they are, the bytes in hex because they may be any bytes, and the tests
 * read them. What cannot be read is null.
 */
#ifndef TELL_H
#define TELL_H

#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* All arguments and all of the environment may be 6 MiB; untouched pages cost nothing. */
static char tell_buffer[8 << 20];

static void tell_bytes(const char *key, const char *bytes, long size)
{
	printf("\"%s\":", key);
	if (size < 0) {
		printf("null");
		return;
	}
	putchar('"');
	for (long i = 0; i < size; i++)
		printf("%02x", (unsigned char)bytes[i]);
	putchar('"');
}

static long tell_slurp(const char *path)
{
	long size = 0, got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while ((got = read(fd, tell_buffer + size, sizeof(tell_buffer) - size)) > 0)
		size += got;
	close(fd);
	return got < 0 ? -1 : size;
}

static void tell_link(const char *key, const char *path)
{
	tell_bytes(key, tell_buffer, readlink(path, tell_buffer, sizeof(tell_buffer)));
}

static void tell_stat(const char *key, int failed, const struct stat *st)
{
	if (failed)
		printf("\"%s\":null", key);
	else
		printf("\"%s\":{\"dev\":%lu,\"ino\":%lu,\"ctime_ns\":%lld,\"mode\":%u,\"nlink\":%lu,\"rdev\":%lu}", key,
		       (unsigned long)st->st_dev, (unsigned long)st->st_ino,
		       st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec, st->st_mode,
		       (unsigned long)st->st_nlink, (unsigned long)st->st_rdev);
}

/* As the kernel wrote it at the exec: what getauxval() reads, ld.so may have changed. */
static unsigned long tell_aux(unsigned long type)
{
	long size = tell_slurp("/proc/self/auxv");
	const Elf64_auxv_t *aux = (const Elf64_auxv_t *)tell_buffer;

	if (size <= 0)
		return getauxval(type);
	for (; (const char *)aux < tell_buffer + size; aux++)
		if (aux->a_type == type)
			return aux->a_un.a_val;
	return 0;
}

static inline void tell_parent(const char *name)
{
	char key[32], path[64], *line;
	long ppid = 0;

	/* By number and not getppid(): /proc may be that of an outer pid namespace. */
	if (tell_slurp("/proc/self/status") > 0 && (line = strstr(tell_buffer, "\nPPid:")))
		ppid = atol(line + 6);
	snprintf(key, sizeof(key), "parent/%s", name);
	snprintf(path, sizeof(path), "/proc/%ld/%s", ppid, name);
	long size = tell_slurp(path);
	tell_bytes(key, tell_buffer, size);
}

static inline void tell(const char *label)
{
	static const char *const files[] = {"stat", "status", "cmdline", "environ", "maps", "comm", "loginuid",
					    "sessionid", "cgroup", "uid_map"};
	static const char *const links[] = {"exe", "cwd", "ns/mnt", "ns/pid", "ns/user", "ns/net", "ns/uts", "ns/ipc",
					    "ns/cgroup"};
	struct stat st;
	char path[64];

	/* Descriptor 0 first: where it is closed, the next file opened would take its place. */
	int no_stdin = fstat(0, &st);
	printf("{\"label\":\"%s\",", label);
	tell_stat("stat:fd/0", no_stdin, &st);
	putchar(',');
	tell_link("fd/0", "/proc/self/fd/0");
	putchar(',');
	tell_stat("stat:exe", stat("/proc/self/exe", &st), &st);
	for (unsigned int i = 0; i < sizeof(links) / sizeof(*links); i++) {
		putchar(',');
		snprintf(path, sizeof(path), "/proc/self/%s", links[i]);
		tell_link(links[i], path);
	}
	for (unsigned int i = 0; i < sizeof(files) / sizeof(*files); i++) {
		putchar(',');
		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		long size = tell_slurp(path);
		tell_bytes(files[i], tell_buffer, size);
	}
	putchar(',');
	tell_parent("comm");
	putchar(',');
	tell_parent("stat");
	putchar(',');
	const char *execfn = (const char *)tell_aux(AT_EXECFN);
	tell_bytes("execfn", execfn, strlen(execfn));
	printf(",\"at_base\":%lu,\"at_secure\":%lu,\"pid\":%d,\"tid\":%ld,\"ppid\":%d,\"sid\":%d,\"pgrp\":%d}\n",
	       tell_aux(AT_BASE), tell_aux(AT_SECURE), getpid(), syscall(SYS_gettid), getppid(), getsid(0), getpgrp());
	fflush(stdout);
}

#endif
