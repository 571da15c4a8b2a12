/*
 * fuzz_halfvec.c
 *		Half vectors from hostile hands.  What is accepted must be a valid one, and come out of
 *		text, binary and a vector as it went in.
 */
#include "server.h"

#include "vector/halfvec.h"
#include "vector/vector.h"

extern Datum agm_fn_halfvec_in(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_out(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_recv(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_send(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_to_vector(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_to_halfvec(PG_FUNCTION_ARGS);

extern int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void check_halfvec(Datum datum);
static void check_stored(Datum stored);

static const FuzzType halfvec_type = {agm_fn_halfvec_in,   agm_fn_halfvec_out,
									  agm_fn_halfvec_recv, agm_fn_halfvec_send,
									  check_halfvec,	   check_stored};

static void
check_halfvec(Datum datum)
{
	AgmHalfvec halfvec = (AgmHalfvec) DatumGetPointer(datum);
	Datum to_vector[] = {datum, Int32GetDatum(-1)};
	Datum to_halfvec[] = {0, Int32GetDatum(-1)};

	MUST(halfvec->unused == 0 && halfvec->dim >= 1 && halfvec->dim <= AGM_VECTOR_MAX_DIM &&
		 VARSIZE(halfvec) == AGM_HALFVEC_SIZE((Size) halfvec->dim));
	MUST(agm_halfvec_is_finite(halfvec->x, halfvec->dim));

	fuzz_check_round_trips(&halfvec_type, datum);
	to_halfvec[0] = fuzz_call(agm_fn_halfvec_to_vector, 2, to_vector);
	MUST(fuzz_same_bytes(datum, fuzz_call(agm_fn_vector_to_halfvec, 2, to_halfvec)));
}

static void
check_stored(Datum stored)
{
	AgmHalfvec halfvec = agm_halfvec_from_datum(stored);

	if (agm_halfvec_is_finite(halfvec->x, halfvec->dim))
		check_halfvec(stored);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	fuzz_type(&halfvec_type, data, size);
	return 0;
}
