/* SPDX-License-Identifier: Apache-2.0 */
/* Does nothing, successfully. */
int main(void)
{
	return 0;
}
