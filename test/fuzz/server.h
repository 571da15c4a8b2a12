/*
 * server.h
 *		As much of a PostgreSQL server as reading and writing vectors needs, in a process of
 *		its own: memory that is freed after each input, and errors that end the input.  And what
 *		the targets have in common.
 */
#ifndef AGM_FUZZ_SERVER_H
#define AGM_FUZZ_SERVER_H

#include "postgres.h"

#include <setjmp.h>
#include <stdlib.h>

#include "fmgr.h"
#include "lib/stringinfo.h"

/* Where an error goes; to be set before anything is called that may raise one. */
extern sigjmp_buf fuzz_error;

extern void fuzz_free_all(void);

/* Not Assert: this must hold in every build. */
#define MUST(condition)                                                                        \
	do                                                                                         \
	{                                                                                          \
		if (!(condition))                                                                      \
			abort();                                                                           \
	} while (0)

/* Calls a function of SQL that returns no NULL. */
extern Datum fuzz_call(PGFunction function, int nargs, const Datum *args);

/* How a type of vectors is read and written. */
typedef struct FuzzType
{
	PGFunction in;
	PGFunction out;
	PGFunction recv;
	PGFunction send;
	void (*check_value)(Datum value);	/* what was read */
	void (*check_stored)(Datum stored); /* a varlena of any bytes */
} FuzzType;

/* The first byte chooses the way in: text, a binary message, or the bytes of a stored value. */
extern void fuzz_type(const FuzzType *type, const uint8 *data, size_t size);

/* Text and binary output read back to the same bytes. */
extern void fuzz_check_round_trips(const FuzzType *type, Datum value);

extern bool fuzz_same_bytes(Datum a, Datum b);

#endif
