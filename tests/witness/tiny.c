/* SPDX-License-Identifier: Apache-2.0 */
/* A program, or a loader, for 32-bit x86 that needs no library: ends with status 0. */
void _start(void)
{
	__asm__("mov $1, %eax; xor %ebx, %ebx; int $0x80");
}
