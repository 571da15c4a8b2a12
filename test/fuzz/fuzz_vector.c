/*
 * fuzz_vector.c
 *		Vectors from hostile hands.  The first byte chooses the way in: text, a binary
 *		message, or the bytes of a stored value.  What is accepted must be a valid vector,
 *		and come out of every format as it went in.
 */
#include "server.h"

#include <math.h>
#include <stdlib.h>

#include "vector/quantize.h"
#include "vector/vector.h"

extern Datum agm_fn_vector_in(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_out(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_recv(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_send(PG_FUNCTION_ARGS);

extern int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* Not Assert: this must hold in every build. */
#define MUST(condition) \
	do \
	{ \
		if (!(condition)) \
			abort(); \
	} while (0)

static Datum
read_text(const char *text)
{
	Datum args[] = {CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};

	return fuzz_call(agm_fn_vector_in, 3, args);
}

static Datum
read_binary(char *data, int size)
{
	StringInfoData message = {.data = data, .len = size, .maxlen = size + 1};
	Datum args[] = {PointerGetDatum(&message), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};
	Datum result = fuzz_call(agm_fn_vector_recv, 3, args);

	/* The server refuses a message that was not read to its end. */
	if (message.cursor != message.len)
		siglongjmp(fuzz_error, 1);
	return result;
}

static bool
same_bytes(Datum a, Datum b)
{
	void *x = DatumGetPointer(a);
	void *y = DatumGetPointer(b);

	return VARSIZE(x) == VARSIZE(y) && memcmp(x, y, VARSIZE(x)) == 0;
}

static void
check_round_trips(Datum vector)
{
	bytea *sent = DatumGetByteaP(fuzz_call(agm_fn_vector_send, 1, &vector));
	char *text = DatumGetCString(fuzz_call(agm_fn_vector_out, 1, &vector));

	MUST(same_bytes(vector, read_text(text)));
	MUST(same_bytes(vector, read_binary(VARDATA(sent), VARSIZE(sent) - VARHDRSZ)));
}

static void
check_precisions(Datum vector)
{
	static const int bits[] = {16, 8, 1};

	for (int i = 0; i < (int) lengthof(bits); i++)
	{
		AgmVector stored = agm_vector_quantize((AgmVector) DatumGetPointer(vector), bits[i]);
		Datum quantized = PointerGetDatum(agm_vector_quantize(
			(AgmVector) DatumGetPointer(vector), bits[i]));
		AgmVector back;

		/* Reading back frees what is not the datum itself. */
		MUST(agm_vector_precision(stored) == bits[i]);
		back = agm_vector_from_datum(quantized);
		agm_vector_check_values(back->x, back->dim);
		MUST(same_bytes(PointerGetDatum(stored),
						PointerGetDatum(agm_vector_quantize(back, bits[i]))));
	}
}

static void
check_vector(Datum datum)
{
	AgmVector vector = (AgmVector) DatumGetPointer(datum);

	MUST(vector->format == 0 && vector->dim >= 1 && vector->dim <= AGM_VECTOR_MAX_DIM &&
		 VARSIZE(vector) == AGM_VECTOR_SIZE((Size) vector->dim));
	for (int i = 0; i < vector->dim; i++)
		MUST(isfinite(vector->x[i]));

	check_round_trips(datum);
	check_precisions(datum);
}

/* The bytes behind the varlena header, of a page that was damaged. */
static void
check_stored(const uint8 *data, size_t size)
{
	struct varlena *stored = palloc(VARHDRSZ + size);
	AgmVector vector;

	SET_VARSIZE(stored, VARHDRSZ + size);
	memcpy(VARDATA(stored), data, size);
	vector = agm_vector_from_datum(PointerGetDatum(stored));

	/* Single precision is not looked at value by value, the others are. */
	if (vector != (AgmVector) stored)
		check_vector(PointerGetDatum(vector));
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	if (size == 0)
		return 0;

	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		char *copy = palloc(size);

		memcpy(copy, data + 1, size - 1);
		copy[size - 1] = '\0';
		switch (data[0] % 3)
		{
			case 0:
				check_vector(read_text(copy));
				break;
			case 1:
				check_vector(read_binary(copy, (int) size - 1));
				break;
			default:
				check_stored(data + 1, size - 1);
		}
	}
	fuzz_free_all();
	return 0;
}
