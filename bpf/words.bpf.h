/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Short texts as words: a helper takes longer to be called than these few steps. */
#ifndef WHATRAN_WORDS_BPF_H
#define WHATRAN_WORDS_BPF_H

#include "kernel.h"
#include "wire.h"
#include <bpf/bpf_helpers.h>

/* Each byte's top bit, where the byte is zero; above the first such also by mistake. */
#define ZERO_BYTES(word) (((word) - 0x0101010101010101) & ~(word) & 0x8080808080808080)

/* The bytes before the first zero, of a word that has the top bits of its zero bytes. */
static __always_inline __u64 before_zero(__u64 word, __u64 zeros)
{
	return word & ((zeros & -zeros) - 1);
}

/* A task's name; what lies behind its NUL is left, it may be of the name before. */
static __always_inline void comm__fill(char *dst, const char *comm, bool typed)
{
	__u64 words[COMM_BYTES / 8] = {}, first, second, zeros;

	if (!typed)
		bpf_probe_read_kernel(words, sizeof(words), comm);
	first = typed ? ((const __u64 *)comm)[0] : words[0];
	second = typed ? ((const __u64 *)comm)[1] : words[1];
	zeros = ZERO_BYTES(first);
	((__u64 *)dst)[0] = before_zero(first, zeros);
	((__u64 *)dst)[1] = zeros ? 0 : before_zero(second, ZERO_BYTES(second));
}

#endif
