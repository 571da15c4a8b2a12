/*
 * test_codes.c
 *		The kernels over integers, bits and blocks of codes, and the conversions: on every
 *		table that the processor can run, equal to a plain loop.
 *
 * What is read lies at the end of a page that is followed by one without access, so that
 * a kernel which reads too far ends the suite; what is written is followed by bytes that
 * must stay.
 */
#include "postgres.h"

#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unit.h"
#include "vector/half.h"
#include "vector/simd.h"

#define MAX_GROUPS 4000
#define MAX_BYTES (MAX_GROUPS * AGM_BLOCK_GROUP_BYTES)
#define UNTOUCHED 0xa5
/* Behind what is written. */
#define MARGIN 64

/* Ends in front of a page without access. */
typedef struct GuardedMemory
{
	uint8 *start;
	uint8 *end;
	Size mapped;
} GuardedMemory;

typedef struct Scratch
{
	GuardedMemory a;
	GuardedMemory b;
	float floats[MAX_BYTES + MARGIN];
	uint16 halves[MAX_BYTES + MARGIN];
} Scratch;

typedef int (*LengthTest)(const AgmKernels *kernels, Scratch *scratch);

static uint64
next_random(uint64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64CONST(2685821657736338717);
}

static GuardedMemory
map_guarded(Size size)
{
	Size page = (Size) sysconf(_SC_PAGESIZE);
	Size pages = (size + page - 1) / page * page;
	GuardedMemory memory;

	memory.mapped = pages + page;
	memory.start =
		mmap(NULL, memory.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory.start == MAP_FAILED || mprotect(memory.start + pages, page, PROT_NONE) != 0)
		elog(ERROR, "no memory to guard");
	memory.end = memory.start + pages;
	return memory;
}

/* The last `size` bytes, random; all of one value if that is not negative. */
static uint8 *
fill(GuardedMemory *memory, Size size, uint64 seed, int value)
{
	uint64 state = UINT64CONST(88172645463325252) + seed;
	uint8 *start = memory->end - size;

	for (Size i = 0; i < size; i++)
		start[i] = value >= 0 ? (uint8) value : (uint8) (next_random(&state) >> 56);
	return start;
}

static int
next_length(int n)
{
	static const int after[] = {1536, 4097, 16000, 65536 / 2 + 1, MAX_BYTES};

	/* The longest turn of a loop is 384 bytes: one, two, and every rest after them. */
	if (n < 3 * 384)
		return n + 1;
	for (int i = 0; i < (int) lengthof(after); i++)
		if (n < after[i])
			return after[i];
	return -1;
}

/* Random bytes, and the extremes: -128 times -128, 255 times -128, 255 times 127. */
static int
test_int8_dot(const AgmKernels *kernels, Scratch *scratch)
{
	static const int extremes[][2] = {{-1, -1}, {0x80, 0x80}, {0x7f, 0x80}, {0xff, 0x7f}};

	for (int n = 0; n >= 0; n = next_length(n))
		for (int e = 0; e < (int) lengthof(extremes); e++)
		{
			const uint8 *a = fill(&scratch->a, n, n, extremes[e][0]);
			const int8 *b = (const int8 *) fill(&scratch->b, n, ~n, extremes[e][1]);
			int64 want = 0;
			int64 want_unsigned = 0;

			for (int i = 0; i < n; i++)
			{
				want += (int) (int8) a[i] * b[i];
				want_unsigned += (int) a[i] * b[i];
			}
			if (kernels->int8_dot((const int8 *) a, b, n) != want ||
				kernels->uint8_int8_dot(a, b, n) != want_unsigned)
				return n;
		}
	return -1;
}

/* One string of bytes and many others, with something between them; or none. */
static int
test_int8_dots(const AgmKernels *kernels, Scratch *scratch)
{
	static const int lengths[] = {0, 1, 2, 63, 64, 65, 127, 128, 130, 384, 385, 1000};
	static const int counts[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 50};
	int32 products[50 + MARGIN];

	if (kernels->uint8_int8_dots == NULL)
		return -1;
	for (int l = 0; l < (int) lengthof(lengths); l++)
		for (int c = 0; c < (int) lengthof(counts); c++)
			for (int value = -1; value <= 0x80; value += 0x81)
			{
				int n = lengths[l];
				int count = counts[c];
				int stride = n + 3;
				Size bytes = count == 0 ? 0 : (Size) stride * (count - 1) + n;
				const uint8 *a = fill(&scratch->a, n, n, value < 0 ? -1 : 0xff);
				const int8 *b = (const int8 *) fill(&scratch->b, bytes, ~n, value);

				memset(products, UNTOUCHED, sizeof(products));
				kernels->uint8_int8_dots(a, b, stride, count, n, products);
				for (int i = 0; i < count; i++)
					if (products[i] != agm_kernels_scalar.uint8_int8_dot(a, b + stride * i, n))
						return n;
				for (int i = count; i < count + MARGIN; i++)
					if (products[i] != (int32) 0xa5a5a5a5)
						return n;
			}
	return -1;
}

static int
count_bits(uint8 byte)
{
	int count = 0;

	for (; byte != 0; byte &= byte - 1)
		count++;
	return count;
}

/* All bits set make sums of few bits overflow. */
static int
test_bits(const AgmKernels *kernels, Scratch *scratch)
{
	for (int n = 0; n >= 0; n = next_length(n))
		for (int value = -1; value <= 0xff; value += 0x100)
		{
			const uint8 *a = fill(&scratch->a, n, n, value);
			const uint8 *b = fill(&scratch->b, n, ~n, n % 2 == 0 ? -1 : value);
			uint64 different = 0;
			AgmBitCounts want = {0};
			AgmBitCounts got;

			for (int i = 0; i < n; i++)
			{
				different += count_bits(a[i] ^ b[i]);
				want.both += count_bits(a[i] & b[i]);
				want.either += count_bits(a[i] | b[i]);
			}
			got = kernels->bit_counts(a, b, n);
			if (kernels->hamming(a, b, n) != different || got.both != want.both ||
				got.either != want.either)
				return n;
		}
	return -1;
}

static bool
block_is_right(const AgmKernels *kernels, const uint8 *codes, const uint8 *table, int ngroups)
{
	uint32 sums[AGM_BLOCK_CODES + 1];

	memset(sums, UNTOUCHED, sizeof(sums));
	kernels->scan_block(codes, table, ngroups, sums);
	for (int i = 0; i < AGM_BLOCK_CODES; i++)
	{
		uint32 want = 0;

		for (int g = 0; g < ngroups; g++)
		{
			uint8 byte = codes[g * AGM_BLOCK_GROUP_BYTES + i % AGM_BLOCK_GROUP_BYTES];

			want += table[g * 16 + (i < AGM_BLOCK_GROUP_BYTES ? byte & 15 : byte >> 4)];
		}
		if (sums[i] != want)
			return false;
	}
	return ((uint8 *) sums)[sizeof(uint32) * AGM_BLOCK_CODES] == UNTOUCHED;
}

/* Random tables, then the largest: narrow sums overflow after 4, 273, 1092 groups. */
static int
test_scan_block(const AgmKernels *kernels, Scratch *scratch)
{
	static const int after[] = {272,  273,	274,  275,	276,  384,	1088,
								1091, 1092, 1093, 1096, 1108, 2184, MAX_GROUPS};

	for (int i = 0; i <= 130 + (int) lengthof(after); i++)
	{
		int ngroups = i <= 130 ? i : after[i - 131];
		const uint8 *codes = fill(&scratch->a, ngroups * AGM_BLOCK_GROUP_BYTES, i, -1);
		uint8 *table = fill(&scratch->b, ngroups * 16, ~i, -1);

		for (int j = 0; j < ngroups * 16; j++)
			table[j] %= AGM_BLOCK_TABLE_MAX + 1;
		if (!block_is_right(kernels, codes, table, ngroups))
			return ngroups;
		table = fill(&scratch->b, ngroups * 16, 0, AGM_BLOCK_TABLE_MAX);
		if (!block_is_right(kernels, codes, table, ngroups))
			return ngroups;
	}
	return -1;
}

/*
 * Every operation by itself: `volatile` has each result rounded to a float.  The arrays lie
 * at the end of a page; terms and limits are of all sizes, infinite ones among them.
 */
static int
test_block_bounds(const AgmKernels *kernels, Scratch *scratch)
{
	static const float limits[] = {0.0f, -INFINITY, INFINITY, NAN, 1e20f};
	uint64 state = UINT64CONST(88172645463325252);

	for (int round = 0; round < 2000; round++)
	{
		Size bytes = AGM_BLOCK_CODES * (sizeof(float) + 2 * sizeof(uint16));
		float *a = (float *) fill(&scratch->a, bytes, round, -1);
		uint16 *b = (uint16 *) (a + AGM_BLOCK_CODES);
		uint16 *e = b + AGM_BLOCK_CODES;
		uint32 *sums =
			(uint32 *) fill(&scratch->b, AGM_BLOCK_CODES * sizeof(uint32), round, -1);
		float bounds[AGM_BLOCK_CODES + 1];
		float limit = limits[round % lengthof(limits)];
		AgmBlockTerms terms;
		uint32 mask;
		uint32 want_mask = 0;

		terms.offset = ldexpf((float) (int32) next_random(&state), round % 60 - 60);
		terms.sum_scale = ldexpf((float) (int32) next_random(&state), -40);
		terms.sum_offset = ldexpf((float) (int32) next_random(&state), -20);
		terms.error = round % 7 == 0 ? 0.0f : ldexpf((float) (int32) next_random(&state), -30);
		for (int i = 0; i < AGM_BLOCK_CODES; i++)
		{
			sums[i] %= round % 2 == 0 ? 240000 : UINT32_C(0x80000000);
			if (round % 3 != 0)
			{
				a[i] = ldexpf((float) (int32) next_random(&state), round % 40 - 40);
				b[i] = (uint16) (0x3d00 + next_random(&state) % 0x400);
				e[i] = (uint16) (0x3d00 + next_random(&state) % 0x400);
			}
		}
		if (round % 5 == 0)
			limit = a[0] + terms.offset;
		memset(bounds, UNTOUCHED, sizeof(bounds));
		mask = kernels->block_bounds(sums, a, b, e, &terms, limit, bounds);
		for (int i = 0; i < AGM_BLOCK_CODES; i++)
		{
			uint32 b_bits = (uint32) b[i] << 16;
			uint32 e_bits = (uint32) e[i] << 16;
			float b_float;
			float e_float;
			volatile float sum = (float) sums[i];
			volatile float scaled = sum * terms.sum_scale;
			volatile float factor = scaled + terms.sum_offset;
			volatile float bound = terms.offset + a[i];
			volatile float term;

			memcpy(&b_float, &b_bits, sizeof(float));
			memcpy(&e_float, &e_bits, sizeof(float));
			term = b_float * factor;
			bound = bound + term;
			term = terms.error * e_float;
			bound = bound - term;
			if (isnan(bound) ? !isnan(bounds[i]) : bounds[i] != bound)
				return round;
			if (bound <= limit)
				want_mask |= (uint32) 1 << i;
		}
		if (mask != want_mask ||
			((uint8 *) bounds)[sizeof(float) * AGM_BLOCK_CODES] != UNTOUCHED)
			return round;
	}
	return -1;
}

/* One code by itself, by its meaning: the sum over dimensions of w, or of -w. */
static int
test_scan_code(const AgmKernels *kernels, Scratch *scratch)
{
	for (int n = 0; n >= 0 && 4 * n <= MAX_BYTES; n = next_length(n))
		for (int value = -1; value <= 0xff; value += 0x100)
		{
			const uint8 *code = fill(&scratch->a, n, n, value);
			const uint8 *planes = fill(&scratch->b, 4 * n, ~n, value);
			int64 want = 0;
			int64 all = 0;

			for (int i = 0; i < 8 * n; i++)
			{
				int u = 0;

				for (int k = 0; k < 4; k++)
					u |= ((planes[k * n + i / 8] >> (i % 8)) & 1) << k;
				all += u;
				want += (code[i / 8] >> (i % 8)) & 1 ? 2 * u - 15 : 15 - 2 * u;
			}
			if (kernels->scan_code(code, planes, n) + 15 * 8 * (int64) n - 2 * all != want)
				return n;
		}
	return -1;
}

/* Whether the bytes from n elements of `width` on are as memset left them. */
static bool
is_untouched(const void *array, int n, Size width)
{
	for (Size i = 0; i < MARGIN; i++)
		if (((const uint8 *) array)[n * width + i] != UNTOUCHED)
			return false;
	return true;
}

/* A NaN may have any bits that are a NaN of the same sign. */
static bool
same_float(float x, float y)
{
	if (isnan(x) || isnan(y))
		return isnan(x) && isnan(y) && signbit(x) == signbit(y);
	return memcmp(&x, &y, sizeof(float)) == 0;
}

static bool
same_half(uint16 x, uint16 y)
{
	if (agm_half_is_nan(x) || agm_half_is_nan(y))
		return agm_half_is_nan(x) && agm_half_is_nan(y) && (x & 0x8000) == (y & 0x8000);
	return x == y;
}

/* Of halves that exist: by the definition of the format, in double. */
static double
half_value(uint16 half)
{
	int exponent = (half >> 10) & 31;
	double fraction = half & 1023;
	double magnitude;

	if (exponent == 31)
		magnitude = fraction == 0 ? INFINITY : NAN;
	else if (exponent == 0)
		magnitude = ldexp(fraction, -24);
	else
		magnitude = ldexp(1024 + fraction, exponent - 25);
	return half & 0x8000 ? -magnitude : magnitude;
}

/* Every half, in arrays of every short length. */
static int
test_half_to_float(const AgmKernels *kernels, Scratch *scratch)
{
	int n = 1;

	for (int start = 0; start < 65536; start += n, n = n % 130 + 1)
	{
		uint16 *halves = (uint16 *) (scratch->a.end - n * sizeof(uint16));

		for (int i = 0; i < n; i++)
			halves[i] = (uint16) (start + i);
		memset(scratch->floats, UNTOUCHED, sizeof(float) * (n + MARGIN));
		kernels->half_to_float(halves, scratch->floats, n);
		for (int i = 0; i < n; i++)
			if (!same_float(scratch->floats[i], (float) half_value(halves[i])))
				return halves[i];
		if (!is_untouched(scratch->floats, n, sizeof(float)))
			return start;
	}
	return -1;
}

/* To the nearest by the definition, among the two halves around x. */
static uint16
nearest_half(float x)
{
	uint16 low = 0;
	uint16 high = AGM_HALF_EXPONENT;
	uint16 sign = signbit(x) ? 0x8000 : 0;
	double magnitude = fabs((double) x);
	double middle;

	if (isnan(x))
		return sign | 0x7e00;
	while (high - low > 1)
	{
		uint16 between = (low + high) / 2;

		if (half_value(between) <= magnitude)
			low = between;
		else
			high = between;
	}
	/* The largest is followed by what would come next, were there more exponents. */
	middle = low == 0x7bff ? 65520.0 : (half_value(low) + half_value(high)) / 2;
	if (magnitude > middle || (magnitude == middle && low % 2 == 1))
		return sign | high;
	return sign | low;
}

/*
 * All floats whose lower 16 bits are one of some patterns: ties and their neighbours,
 * subnormals, what overflows, infinity, NaN.
 */
static int
test_float_to_half(const AgmKernels *kernels, Scratch *scratch)
{
	static const uint16 low_bits[] = {0x0000, 0x0001, 0x0fff, 0x1000, 0x1001, 0x2000,
									  0x3000, 0x7fff, 0x8000, 0xefff, 0xf000, 0xffff};
	int npatterns = lengthof(low_bits);
	int n = 1;

	for (int start = 0; start < 65536 * npatterns; start += n, n = n % 130 + 1)
	{
		float *floats = (float *) (scratch->a.end - n * sizeof(float));

		for (int i = 0; i < n; i++)
		{
			uint32 bits =
				((uint32) (start + i) / npatterns) << 16 | low_bits[(start + i) % npatterns];

			memcpy(&floats[i], &bits, sizeof(bits));
		}
		memset(scratch->halves, UNTOUCHED, sizeof(uint16) * (n + MARGIN));
		kernels->float_to_half(floats, scratch->halves, n);
		for (int i = 0; i < n; i++)
			if (!same_half(scratch->halves[i], nearest_half(floats[i])))
				return start + i;
		if (!is_untouched(scratch->halves, n, sizeof(uint16)))
			return start;
	}
	return -1;
}

static int
test_int8_to_float(const AgmKernels *kernels, Scratch *scratch)
{
	const float scale = 0.0123456f;

	for (int n = 0; n >= 0; n = next_length(n))
	{
		const int8 *codes = (const int8 *) fill(&scratch->a, n, n, -1);

		memset(scratch->floats, UNTOUCHED, sizeof(float) * (n + MARGIN));
		kernels->int8_to_float(codes, scale, scratch->floats, n);
		for (int i = 0; i < n; i++)
			if (scratch->floats[i] != (float) codes[i] * scale)
				return n;
		if (!is_untouched(scratch->floats, n, sizeof(float)))
			return n;
	}
	return -1;
}

static const struct
{
	const char *what;
	LengthTest test;
} tests[] = {
	{"products of bytes are summed exactly", test_int8_dot},
	{"products of one with many are those of one with each", test_int8_dots},
	{"bits are counted", test_bits},
	{"blocks of codes are scanned", test_scan_block},
	{"blocks of codes get their bounds", test_block_bounds},
	{"single codes are scanned", test_scan_code},
	{"every half becomes its float", test_half_to_float},
	{"floats become the nearest half", test_float_to_half},
	{"codes become floats", test_int8_to_float},
};

void
agm_unit_codes(void)
{
	Scratch *scratch = palloc(sizeof(Scratch));

	scratch->a = map_guarded(MAX_BYTES);
	scratch->b = map_guarded(MAX_BYTES);
	for (int simd = AGM_SIMD_SCALAR; simd <= AGM_SIMD_LAST; simd++)
	{
		const AgmKernels *kernels = agm_simd_kernels(simd);

		if (kernels == NULL)
			continue;
		for (int i = 0; i < (int) lengthof(tests); i++)
		{
			int wrong = tests[i].test(kernels, scratch);

			UNIT_CHECK(wrong == -1, "%s: %s (first wrong %d)", kernels->name, tests[i].what,
					   wrong);
		}
	}
	munmap(scratch->a.start, scratch->a.mapped);
	munmap(scratch->b.start, scratch->b.mapped);
}
