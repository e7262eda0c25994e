/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program for 32-bit x86 that needs no library: calls timerfd_create(2) with a clock that is none,
 * by the number that 64-bit programs have for execveat(2), and ends with the errno.
 */
void _start(void)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(322), "b"(-1), "c"(0));
	__asm__ volatile("int $0x80" : : "a"(1), "b"(-result));
}
