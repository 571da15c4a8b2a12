/*
 * unit.h
 *		Checks for the pure C files, run inside a server by test/unit/run.
 *
 * A file test_<suite>.c holds one suite: `void agm_unit_<suite>(void)`, which makes its
 * checks one after another.  The Makefile finds new files by itself.  What a suite
 * allocates goes with its memory context; an ereport(ERROR) fails the suite.
 */
#ifndef AGM_UNIT_UNIT_H
#define AGM_UNIT_UNIT_H

#include "postgres.h"

/*
 * UNIT_CHECK(condition, name as a printf format, ...): one named result, true if it holds.
 * A check that runs in a loop under one name counts once, and fails at its first failure;
 * a failure's name is followed by file and line, so put the values that help into it:
 *
 *		UNIT_CHECK(got == want, "dot product of %d dimensions", dim);
 */
#define UNIT_CHECK(condition, ...) agm_unit_check((condition), __FILE__, __LINE__, __VA_ARGS__)

extern bool agm_unit_check(bool ok, const char *file, int line, const char *name, ...)
	pg_attribute_printf(4, 5);

/* What the Makefile found: one prototype a suite. */
#define UNIT_SUITE(suite) extern void agm_unit_##suite(void);
#include "suites.inc"
#undef UNIT_SUITE

#endif
