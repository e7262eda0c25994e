/* SPDX-License-Identifier: Apache-2.0 */
/* Tells what the kernel says of it, on stdout or, as a usermode helper has none, in the file after --out. */
#include "tell.h"

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--out") && !freopen(argv[2], "w", stdout))
		return 1;
	tell("witness");
	return 0;
}
