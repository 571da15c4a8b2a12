/*
 * standalone.c
 *		Runs the suites of the kernels without a server: for processors that have none
 *		here, and are emulated (test/unit/neon).
 */
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>

#undef printf
#undef vsnprintf

#include "unit.h"

/* The last result, which is printed when the next has another name. */
static char last_name[1024];
static bool last_ok;
static int failed = 0;

static void
print_last(void)
{
	if (last_name[0] != '\0')
		printf("%s - %s\n", last_ok ? "ok" : "not ok", last_name);
	failed += last_name[0] != '\0' && !last_ok;
}

bool
agm_unit_check(bool ok, const char *file, int line, const char *name, ...)
{
	char text[sizeof(last_name)];
	va_list args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);
	if (strcmp(text, last_name) != 0)
	{
		print_last();
		strcpy(last_name, text);
		last_ok = true;
	}
	last_ok = last_ok && ok;
	return ok;
}

/* What the suites and the kernels want of a server. */
void *
palloc(Size size)
{
	void *memory = malloc(size);

	if (memory == NULL)
		abort();
	return memory;
}

void
pfree(void *pointer)
{
	free(pointer);
}

bool
errstart(int elevel, const char *domain)
{
	abort();
}

bool
errstart_cold(int elevel, const char *domain)
{
	abort();
}

int
errmsg_internal(const char *format, ...)
{
	abort();
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	abort();
}

int
main(void)
{
	agm_unit_kernels();
	agm_unit_codes();
	agm_unit_rotation();
	print_last();
	return failed > 0;
}
