/*
 * server.h
 *		As much of a PostgreSQL server as reading and writing vectors needs, in a process of
 *		its own: memory that is freed after each input, and errors that end the input.
 */
#ifndef AGM_FUZZ_SERVER_H
#define AGM_FUZZ_SERVER_H

#include "postgres.h"

#include <setjmp.h>

#include "fmgr.h"
#include "lib/stringinfo.h"

/* Where an error goes; to be set before anything is called that may raise one. */
extern sigjmp_buf fuzz_error;

extern void fuzz_free_all(void);

/* Calls a function of SQL that returns no NULL. */
extern Datum fuzz_call(PGFunction function, int nargs, const Datum *args);

#endif
