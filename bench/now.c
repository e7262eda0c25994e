/* Prints CLOCK_BOOTTIME in ns: when this program began to run. */
#include <stdio.h>
#include <time.h>

int main(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return printf("%lld\n", now.tv_sec * 1000000000LL + now.tv_nsec) < 0;
}
