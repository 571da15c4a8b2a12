/*
 * text.c
 *		Reading and writing the text form of vectors: [1,2.5,-3e-05].
 *
 * It is the hot path of loading embeddings, so that numbers are read without strtof
 * where that gives the same.  Why it does: README.md, "Reading text".
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "vector/text.h"
#include "vector/vector.h"

/* The digits that a uint64 holds, whatever they are. */
#define MAX_DIGITS 19

/*
 * The powers of ten that read_decimal() knows: a double holds 1e0 to 1e22 exactly, and
 * 19 digits with 19 zeros behind them are still below FLT_MAX.
 */
#define MIN_POWER (-22)
#define MAX_POWER 19

static const double powers_of_ten[] = {
	1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* The bits that a double has and a float has not; half of their range is a tie. */
#define EXTRA_BITS 29
#define EXTRA_MASK ((UINT64CONST(1) << EXTRA_BITS) - 1)
#define EXTRA_TIE (UINT64CONST(1) << (EXTRA_BITS - 1))

/* More than the distance, in units of the last bit, of our double from the truth. */
#define DOUBLE_ERROR 3

/* Like the scanner's, so that the locale has no say. */
static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline const char *
skip_spaces(const char *at)
{
	while (is_space(*at))
		at++;
	return at;
}

static inline bool
ends_element(char c)
{
	return c == ',' || c == ']' || is_space(c);
}

/*
 * Reads an ordinary decimal number at `at`, correctly rounded, and returns its end.
 * NULL if it is anything else, or if the rounding could be in doubt; that says nothing
 * about whether the text is a number.
 */
static inline const char *
read_decimal(const char *at, float *result)
{
	bool negative = (*at == '-');
	uint64 digits = 0;
	int power = 0;
	const char *start;
	const char *point = NULL;
	double value;
	uint64 bits;
	uint64 extra;
	int ndigits;

	if (negative)
		at++;

	/* `digits` may wrap around: that is found by counting, once, instead of at each digit. */
	start = at;
	while (is_digit(*at))
		digits = digits * 10 + (uint64) (*at++ - '0');
	ndigits = (int) (at - start);

	if (*at == '.')
	{
		point = at++;
		while (is_digit(*at))
			digits = digits * 10 + (uint64) (*at++ - '0');
		power = -(int) (at - point - 1);
		ndigits -= power;
	}

	if (ndigits == 0)
		return NULL;

	if (unlikely(ndigits > MAX_DIGITS))
	{
		/* Zeros in front did not fill the uint64. */
		for (const char *c = start; *c == '0' || c == point; c++)
			ndigits -= (*c == '0');
		if (ndigits > MAX_DIGITS)
			return NULL;
	}

	if (*at == 'e' || *at == 'E')
	{
		bool negative_exponent;
		int exponent;

		at++;
		negative_exponent = (*at == '-');
		if (*at == '-' || *at == '+')
			at++;

		/* Two digits are enough for the powers we know; a third cannot end the element. */
		if (!is_digit(*at))
			return NULL;
		exponent = *at++ - '0';
		if (is_digit(*at))
			exponent = exponent * 10 + (*at++ - '0');

		power += negative_exponent ? -exponent : exponent;
	}

	/* "0x1", "1e400" and the like begin like a decimal, but go on. */
	if (!ends_element(*at) || power < MIN_POWER || power > MAX_POWER)
		return NULL;

	if (power < 0)
		value = (double) digits / powers_of_ten[-power];
	else
		value = (double) digits * powers_of_ten[power];

	/*
	 * Two roundings got us here, so that the truth is less than DOUBLE_ERROR away.  The
	 * third one, to float, is right unless a tie of two floats lies between.
	 */
	memcpy(&bits, &value, sizeof(bits));
	extra = bits & EXTRA_MASK;
	if (unlikely(extra >= EXTRA_TIE - DOUBLE_ERROR && extra <= EXTRA_TIE + DOUBLE_ERROR))
		return NULL;

	*result = negative ? -(float) value : (float) value;
	return at;
}

/* Does not return.  The whole text is shown, for the user to find it among many values. */
static void
syntax_error(const AgmVectorType *type, const char *text, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input syntax for type %s: \"%s\"", type->name, text),
					errdetail_internal("%s", detail)));
}

/* Reads element number `element` (from 1) at `at` in `text`, and returns its end. */
static inline const char *
read_element(const AgmVectorType *type, const char *text, const char *at, int element,
			 float *result)
{
	const char *end = read_decimal(at, result);
	bool too_large = false;

	if (unlikely(end == NULL))
	{
		char *strtof_end;

		/*
		 * strtof, like float4in: reading a double and rounding that to float would round
		 * twice.  LC_NUMERIC is always C in a server.
		 */
		errno = 0;
		*result = strtof(at, &strtof_end);
		end = strtof_end;

		if (end == at)
			syntax_error(type, text, psprintf("Element %d is not a number.", element));

		/* A number too small for a float is zero, one too large is the user's mistake. */
		too_large = errno == ERANGE && isinf(*result);
		if (!too_large)
			agm_check_values(type, result, 1);
	}

	if (unlikely(too_large || fabsf(*result) >= type->too_large))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" is out of range for type %s",
							   pnstrdup(at, (Size) (end - at)), type->name)));

	return end;
}

int
agm_text_read(const AgmVectorType *type, const char *text, float *x)
{
	int dim = 0;
	const char *at = skip_spaces(text);

	if (*at != '[')
		syntax_error(type, text, "Vector contents must start with \"[\".");
	at = skip_spaces(at + 1);

	/* Empty, rather than malformed: let the dimension check say so. */
	if (*at == ']')
		agm_check_dim(type, 0);

	for (;;)
	{
		if (dim == AGM_VECTOR_MAX_DIM)
			agm_check_dim(type, dim + 1);

		at = read_element(type, text, skip_spaces(at), dim + 1, &x[dim]);
		dim++;

		at = skip_spaces(at);
		if (*at == ']')
			break;
		if (*at != ',')
			syntax_error(type, text,
						 psprintf("Expected \",\" or \"]\" after element %d.", dim));
		at++;
	}

	at = skip_spaces(at + 1);
	if (*at != '\0')
		syntax_error(type, text, "Junk after closing \"]\".");

	return dim;
}

char *
agm_text_write(const float *x, int dim)
{
	char *text;
	char *end;

	/* FLOAT_SHORTEST_DECIMAL_LEN counts a zero at the end, which pays for the comma. */
	text = end = palloc(dim * FLOAT_SHORTEST_DECIMAL_LEN + strlen("[]") + 1);

	*end++ = '[';
	for (int i = 0; i < dim; i++)
	{
		if (i > 0)
			*end++ = ',';
		end += float_to_shortest_decimal_bufn(x[i], end);
	}
	*end++ = ']';
	*end = '\0';

	return text;
}
