/*
 * vectors.c
 *		Vectors for the benchmark, as COPY ... (FORMAT binary) of (id int, vector):
 *		agentmem's vector and pgvector's have the same binary form.
 *
 *	vectors mixture DIM FIRST COUNT			rows FIRST.. of the synthetic mixture
 *	vectors f16|f32 DIM FIRST COUNT <file		rows FIRST.. of the shuffled file
 *	vectors count f16|f32 DIM <file			how many rows the file has
 *
 * A row depends on its number only: the first 100,000 of the mixture are the first of a
 * million.  The mixture: 4,000 Gaussians of unequal weight and width; the standard
 * deviation falls along the axes as i^-0.45, for the centres as within, so that the
 * variance is spread as over 40 equal dimensions (the square of its sum through the sum
 * of its squares, of 384); turned, so that no axis is special; of length 1.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTERS 4000
#define MIRRORS 3
#define WITHIN 0.7f

static int dim;

static void
fail(const char *why)
{
	fprintf(stderr, "vectors: %s\n", why);
	exit(1);
}

static void *
allocate(size_t size)
{
	void *result = malloc(size);

	if (result == NULL)
		fail("out of memory");
	return result;
}

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static float
uniform(uint64_t *state)
{
	return (float) (next_random(state) >> 40) / (float) (1 << 24);
}

/* The sum of four uniform numbers: near enough to a normal one, of variance 1. */
static float
normal(uint64_t *state)
{
	uint64_t z = next_random(state);
	int sum = (int) (z & 0xffff) + (int) (z >> 16 & 0xffff) + (int) (z >> 32 & 0xffff) +
			  (int) (z >> 48);

	return (float) (sum - 2 * 65535) * (1.7320508f / 65536.0f);
}

/* ---------------------------------------------------------------- output */

static void
put32(uint32_t value)
{
	unsigned char bytes[4] = {value >> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff};

	fwrite(bytes, 1, 4, stdout);
}

static void
put16(uint16_t value)
{
	unsigned char bytes[2] = {value >> 8, value & 0xff};

	fwrite(bytes, 1, 2, stdout);
}

static void
put_header(void)
{
	fwrite("PGCOPY\n\377\r\n\0", 1, 11, stdout);
	put32(0);
	put32(0);
}

static void
put_row(uint32_t id, const float *x)
{
	uint32_t bits[16384];

	put16(2);
	put32(4);
	put32(id);
	put32(4 + 4 * (uint32_t) dim);
	put16((uint16_t) dim);
	put16(0);
	for (int i = 0; i < dim; i++)
	{
		memcpy(&bits[i], &x[i], 4);
		bits[i] = __builtin_bswap32(bits[i]);
	}
	fwrite(bits, 4, (size_t) dim, stdout);
}

/* ---------------------------------------------------------------- the mixture */

static void
mixture(long first, long count)
{
	float *spread = allocate(sizeof(float) * (size_t) dim);
	float *mirrors = allocate(sizeof(float) * (size_t) dim * MIRRORS);
	float *centres = allocate(sizeof(float) * (size_t) dim * CLUSTERS);
	float *weights = allocate(sizeof(float) * CLUSTERS);
	float *widths = allocate(sizeof(float) * CLUSTERS);
	float *x = allocate(sizeof(float) * (size_t) dim);
	uint64_t state = 20;
	double total = 0;

	for (int i = 0; i < dim; i++)
		spread[i] = powf((float) (i + 1), -0.45f);
	for (int m = 0; m < MIRRORS; m++)
	{
		float *mirror = mirrors + m * dim;
		float sum = 0;

		for (int i = 0; i < dim; i++)
		{
			mirror[i] = normal(&state);
			sum += mirror[i] * mirror[i];
		}
		for (int i = 0; i < dim; i++)
			mirror[i] /= sqrtf(sum);
	}
	for (int c = 0; c < CLUSTERS; c++)
	{
		for (int i = 0; i < dim; i++)
			centres[c * dim + i] = normal(&state) * spread[i];
		widths[c] = WITHIN * (0.7f + 0.6f * uniform(&state));
		total += expf(normal(&state));
		weights[c] = (float) total;
	}

	for (long row = first; row < first + count; row++)
	{
		uint64_t own = UINT64_C(0xa0761d6478bd642f) * (uint64_t) (row + 1);
		float pick = uniform(&own) * (float) total;
		int low = 0;
		int high = CLUSTERS - 1;
		float sum = 0;
		float scale;

		while (low < high)
		{
			int middle = (low + high) / 2;

			if (weights[middle] < pick)
				low = middle + 1;
			else
				high = middle;
		}
		for (int i = 0; i < dim; i++)
			x[i] = centres[low * dim + i] + normal(&own) * spread[i] * widths[low];
		for (int m = 0; m < MIRRORS; m++)
		{
			const float *mirror = mirrors + m * dim;
			float dot = 0;

			for (int i = 0; i < dim; i++)
				dot += mirror[i] * x[i];
			for (int i = 0; i < dim; i++)
				x[i] -= 2 * dot * mirror[i];
		}
		for (int i = 0; i < dim; i++)
			sum += x[i] * x[i];
		scale = 1 / sqrtf(sum);
		for (int i = 0; i < dim; i++)
			x[i] *= scale;
		put_row((uint32_t) row, x);
	}
}

/* ---------------------------------------------------------------- a file */

static float
from_half(uint16_t half)
{
	int exponent = half >> 10 & 31;
	float value;

	if (exponent == 31)
		fail("a number of the file is not finite");
	value = exponent > 0 ? ldexpf((float) (1024 + (half & 1023)), exponent - 25)
						 : ldexpf((float) (half & 1023), -24);
	return half & 0x8000 ? -value : value;
}

static unsigned char *
read_all(size_t *size)
{
	size_t room = (size_t) 1 << 24;
	unsigned char *bytes = allocate(room);
	size_t got;

	*size = 0;
	while ((got = fread(bytes + *size, 1, room - *size, stdin)) > 0)
	{
		*size += got;
		if (*size == room)
		{
			room *= 2;
			bytes = realloc(bytes, room);
			if (bytes == NULL)
				fail("out of memory");
		}
	}
	return bytes;
}

/* Little endian, as this machine is expected to be. */
static void
file_rows(size_t width, long first, long count)
{
	size_t size;
	unsigned char *bytes = read_all(&size);
	long rows = (long) (size / (width * (size_t) dim));
	uint32_t *order = allocate(sizeof(uint32_t) * (size_t) rows);
	float *x = allocate(sizeof(float) * (size_t) dim);
	uint64_t state = 21;

	for (long i = 0; i < rows; i++)
	{
		long j = (long) (next_random(&state) % (uint64_t) (i + 1));

		order[i] = order[j];
		order[j] = (uint32_t) i;
	}
	for (long row = first; row < first + count && row < rows; row++)
	{
		const unsigned char *from = bytes + order[row] * width * (size_t) dim;

		if (width == 4)
			memcpy(x, from, width * (size_t) dim);
		else
			for (int i = 0; i < dim; i++)
				x[i] = from_half((uint16_t) (from[2 * i] | from[2 * i + 1] << 8));
		put_row((uint32_t) row, x);
	}
}

int
main(int argc, char **argv)
{
	int counting = argc == 4 && strcmp(argv[1], "count") == 0;
	const char *format = argv[counting ? 2 : 1];
	size_t width;

	if (!counting && argc != 5)
		fail("usage: vectors mixture|f16|f32 DIM FIRST COUNT, or vectors count f16|f32 DIM");
	width = strcmp(format, "f16") == 0 ? 2 : 4;
	dim = atoi(argv[counting ? 3 : 2]);
	if (dim < 1 || dim > 16000)
		fail("no such dimension");
	if (counting)
	{
		size_t size;

		free(read_all(&size));
		printf("%ld\n", (long) (size / (width * (size_t) dim)));
		return 0;
	}
	put_header();
	if (strcmp(format, "mixture") == 0)
		mixture(atol(argv[3]), atol(argv[4]));
	else
		file_rows(width, atol(argv[3]), atol(argv[4]));
	put16(0xffff);
	return 0;
}
