/*
 * The smallest program there is: it tells CLOCK_MONOTONIC, as struct timespec, to descriptor 3, if that is open, and ends.
 * Without a C library, whose start costs more than all the kernel does here where cpuid traps, as in virtual machines.
 */
#include <sys/syscall.h>
#include <time.h>

static long call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#endif
}

void _start(void)
{
	struct timespec now;

	call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
	call(SYS_write, 3, (long)&now, sizeof(now));
	call(SYS_exit_group, 0, 0, 0);
}
