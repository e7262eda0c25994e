/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths, from a dentry up to the root of the mount namespace, as d_absolute_path()
 * of the kernel goes: to d_parent, and at a mount's root on to where it is mounted.
 *
 * Components are written in the order they are met, leaf first; the reader turns
 * them round. Writing them back to front would need a second buffer and a copy.
 */
#ifndef WHATRAN_PATH_BPF_H
#define WHATRAN_PATH_BPF_H

#include "compat.bpf.h"
#include "maps.bpf.h"
#include "words.bpf.h"

/* With single-letter names a path of PATH_MAX has 2,048 components; mounts crossed count too. */
#define WALK_STEPS 2304

/*
 * Where bpf_loop() is missing (before 5.17) the verifier follows each turn of a loop one
 * by one, up to 8,192 branches: so many steps at a time, as often as needed.
 */
#define WALK_STEPS_UNROLLED 256

static __always_inline struct mount *mount_of(struct vfsmount *vfsmount)
{
	return (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* Appends one name and its NUL; false where it could not be read. */
static __always_inline bool name__append(struct scratch *scratch, const unsigned char *name)
{
	__u32 end = scratch->end;
	long bytes;

	/* Checked in the register it is used in: verifiers before 6.4 forget the bound of one that was put aside. */
	barrier_var(end);
	if (end > FRAME_BYTES - NAME_BYTES)
		return false;
	bytes = bpf_probe_read_kernel_str(scratch->frame + end, NAME_BYTES, name);
	if (bytes <= 0)
		return false;
	scratch->end = end + bytes;
	return true;
}

/* Appends a short name and its NUL, without a helper; false where it has none. */
static __always_inline bool short_name__append(struct scratch *scratch, const __u64 *words)
{
	__u32 end = scratch->end;

	barrier_var(end);
	if (end > FRAME_BYTES - NAME_BYTES)
		return false;
	for (__u32 i = 0; i < SHORT_NAME_WORDS; i++) {
		__u64 zeros = ZERO_BYTES(words[i]);

		*(__u64 *)(scratch->frame + end + i * sizeof(*words)) = words[i];
		if (zeros) {
			/* A one in each byte up to the first zero; the product has their sum in its top byte. */
			zeros = ((zeros & -zeros) - 1) & 0x0101010101010101;
			scratch->end = end + i * sizeof(*words) + (zeros * 0x0101010101010101 >> 56);
			return true;
		}
	}
	return false;
}

/* Writes one component and its NUL, unless the path has become too long. */
static __always_inline void walk_emit(struct scratch *scratch, const struct link *link, bool is_short)
{
	struct walk *walk = &scratch->walk;

	walk->full += link->name.len + 1;
	if (walk->full > PATH_BYTES || (is_short && short_name__append(scratch, link->short_name)))
		return;
	/* As a string, not by its length: a rename between the two reads must not leak what lies behind the name. */
	if (!name__append(scratch, link->name.name))
		walk->failed = true;
}

/* One step up; 1 when there is no further. */
static __always_inline long walk_up(struct step_context *context, bool modern)
{
	/* Out of our struct first: in BPF_CORE_READ it would be relocated as if it were the kernel's. */
	struct walk *walk = &context->scratch->walk;
	struct dentry *dentry = walk->dentry;
	struct link link = {};
	bool is_short;

	if (dentry == walk->link.root) {
		struct mount *up = walk->link.parent;

		if (up == walk->mount || !up) {
			walk->complete = true;
			return 1;
		}
		walk->dentry = walk->link.mountpoint;
		walk->mount = up;
		mount_link(&walk->link, up, modern);
		return 0;
	}
	is_short = dentry_link(&link, dentry, modern);
	walk_emit(context->scratch, &link, is_short);
	if (link.parent == dentry || !link.parent) {
		/* A root, yet not of this mount: it hangs in no tree. */
		walk->detached = true;
		walk->complete = true;
		return 1;
	}
	walk->dentry = link.parent;
	return 0;
}

/* A callback of bpf_loop(). */
static long walk_step(__u32 turn __attribute__((unused)), struct step_context *context)
{
	return walk_up(context, true);
}

/*
 * Some steps up; 1 when there is no further. A global function, so the verifier looks at it
 * once, not at every call: of its argument it must believe nothing, hence a number to find
 * the scratch by.
 */
__noinline int walk_on(__u32 slot)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct step_context context = { scratch };

	if (!scratch)
		return 1;
	for (__u32 turn = 0; turn < WALK_STEPS_UNROLLED; turn++)
		if (walk_up(&context, false))
			return 1;
	return 0;
}

/* Appends a path to the frame; whether it is the current task's own: then nobody else gives it up meanwhile. */
static __always_inline void path__fill(struct text *dst, enum file_flag *flags, struct scratch *scratch, struct path *path,
				       __u32 unread, bool modern, bool own)
{
	struct path copy = {};
	struct step_context context = { scratch };
	struct walk *walk = &scratch->walk;
	__u32 start = scratch->end;

	if (own && CASTS(modern)) {
		path = CAST(struct path, path);
		copy.mnt = path->mnt;
		copy.dentry = path->dentry;
	} else {
		/* Both at once: they lie side by side in all kernels seen, as here. */
		bpf_probe_read_kernel(&copy, sizeof(copy), path);
	}
	if (!copy.mnt || !copy.dentry) {
		scratch->exec.head.unread |= unread;
		return;
	}
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->dentry = copy.dentry;
	walk->mount = mount_of(copy.mnt);
	mount_link(&walk->link, walk->mount, own && modern);
	if (modern)
		bpf_loop(WALK_STEPS, walk_step, &context, 0);
	else
		for (__u32 turn = 0; turn < WALK_STEPS / WALK_STEPS_UNROLLED; turn++)
			if (walk_on(scratch->slot))
				break;
	dst->bytes = scratch->end - start;
	dst->full = walk->full + !walk->complete; /* incomplete: at least one byte more */
	if (flags && walk->detached)
		*flags |= FILE_DETACHED;
	if (walk->failed)
		scratch->exec.head.unread |= unread;
}

#endif
