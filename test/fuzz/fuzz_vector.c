/*
 * fuzz_vector.c
 *		Vectors from hostile hands.  What is accepted must be a valid vector, come out of text
 *		and binary as it went in, and be the same bytes when quantized again.
 */
#include "server.h"

#include <math.h>

#include "vector/quantize.h"
#include "vector/vector.h"

extern Datum agm_fn_vector_in(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_out(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_recv(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_send(PG_FUNCTION_ARGS);

extern int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void check_vector(Datum datum);
static void check_stored(Datum stored);

static const FuzzType vector_type = {agm_fn_vector_in,	 agm_fn_vector_out, agm_fn_vector_recv,
									 agm_fn_vector_send, check_vector,		check_stored};

static void
check_precisions(Datum vector)
{
	static const int bits[] = {16, 8, 1};

	for (int i = 0; i < (int) lengthof(bits); i++)
	{
		AgmVector stored = agm_vector_quantize((AgmVector) DatumGetPointer(vector), bits[i]);
		AgmVector back;

		MUST(agm_vector_precision(stored) == bits[i]);
		back = agm_vector_from_datum(PointerGetDatum(stored));
		agm_vector_check_values(back->x, back->dim);
		MUST(fuzz_same_bytes(PointerGetDatum(stored),
							 PointerGetDatum(agm_vector_quantize(back, bits[i]))));
	}
}

/* What whoever reads the values relies on. */
static void
check_form(const AgmVectorData *vector)
{
	MUST(vector->format == 0 && vector->dim >= 1 && vector->dim <= AGM_VECTOR_MAX_DIM &&
		 VARSIZE(vector) == AGM_VECTOR_SIZE((Size) vector->dim));
}

static void
check_vector(Datum datum)
{
	AgmVector vector = (AgmVector) DatumGetPointer(datum);

	check_form(vector);
	for (int i = 0; i < vector->dim; i++)
		MUST(isfinite(vector->x[i]));

	fuzz_check_round_trips(&vector_type, datum);
	check_precisions(datum);
}

static void
check_stored(Datum stored)
{
	AgmVector vector = agm_vector_from_datum(stored);

	/* Values in single precision are not looked at one by one, the others are. */
	check_form(vector);
	if (PointerGetDatum(vector) != stored)
		check_vector(PointerGetDatum(vector));
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	fuzz_type(&vector_type, data, size);
	return 0;
}
