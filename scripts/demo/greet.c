#include "hello.h"
#include <stdio.h>

void greet(const char *name, int letters)
{
	printf("hello %s, %d letters\n", name, letters);
}
