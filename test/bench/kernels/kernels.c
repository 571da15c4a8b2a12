/*
 * kernels.c
 *		Times every kernel on every table that this processor can run, data in the first
 *		level cache, without a server.
 *
 * A figure is the time a call takes among independent ones, through the pointer in the
 * table, as a scan would make them.  A kernel is called for about a millisecond, on all
 * tables in turn, ROUNDS times over; the median of the rounds is given, so that a change
 * of the clock or a neighbour on the machine meets all tables alike.
 *
 *		kernels [DIMENSIONS [OFFSET]]
 *
 * prints CSV: a line a kernel, ns a call on each table, and how often each of them goes
 * into the time of the scalar one.
 *
 *		kernels floor
 *
 * prints what the vector instructions of int8_dot for 384 dimensions take by themselves on
 * a processor with AVX-512, none waiting for another: no such function can take less.
 */
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vector/kernels.h"
#include "vector/rotation.h"
#include "vector/simd.h"

#define ROUNDS 41
#define CALLS_NS 1000000.0
#define DIM_DEFAULT 384
#define LINE 64
/* Different operands in turn, few enough for the cache. */
#define OPERANDS 4

typedef struct Data
{
	int dim;
	float *x[OPERANDS];
	float *out;
	uint16 *half[OPERANDS];
	int8 *code[OPERANDS];
	uint8 *bits[OPERANDS];
	uint8 *block;
	uint8 *table;
	AgmRotation *rotation;
} Data;

/* What no compiler may leave out. */
static volatile double sink;

typedef void (*Bench)(const AgmKernels *kernels, const Data *data, int calls);

#define A(array, i) data->array[(i) % OPERANDS]
#define B(array, i) data->array[((i) + 1) % OPERANDS]

/* A bench for a kernel of two arrays that returns a number. */
#define BENCH(type, kernel, array, n, field)                                                   \
	static void bench_##kernel(const AgmKernels *kernels, const Data *data, int calls)         \
	{                                                                                          \
		type sum = 0;                                                                          \
                                                                                               \
		for (int i = 0; i < calls; i++)                                                        \
			sum += kernels->kernel((const void *) A(array, i), B(array, i), n) field;          \
		sink = (double) sum;                                                                   \
	}

BENCH(float, dot, x, data->dim, )
BENCH(float, l2_squared, x, data->dim, )
BENCH(float, l1, x, data->dim, )
BENCH(float, cosine_sums, x, data->dim, .dot)
BENCH(float, half_dot, half, data->dim, )
BENCH(float, half_l2_squared, half, data->dim, )
BENCH(float, half_l1, half, data->dim, )
BENCH(float, half_cosine_sums, half, data->dim, .dot)
BENCH(uint64, int8_dot, code, data->dim, )
BENCH(uint64, uint8_int8_dot, code, data->dim, )
BENCH(uint64, hamming, bits, (data->dim + 7) / 8, )
BENCH(uint64, bit_counts, bits, (data->dim + 7) / 8, .both)

static void
bench_half_to_float(const AgmKernels *kernels, const Data *data, int calls)
{
	for (int i = 0; i < calls; i++)
		kernels->half_to_float(A(half, i), data->out, data->dim);
}

static void
bench_float_to_half(const AgmKernels *kernels, const Data *data, int calls)
{
	for (int i = 0; i < calls; i++)
		kernels->float_to_half(A(x, i), (uint16 *) data->out, data->dim);
}

static void
bench_int8_to_float(const AgmKernels *kernels, const Data *data, int calls)
{
	for (int i = 0; i < calls; i++)
		kernels->int8_to_float(A(code, i), 0.01f, data->out, data->dim);
}

static void
bench_scan_block(const AgmKernels *kernels, const Data *data, int calls)
{
	uint32 sums[AGM_BLOCK_CODES];
	uint64 sum = 0;

	for (int i = 0; i < calls; i++)
	{
		kernels->scan_block(data->block, data->table, (data->dim + 3) / 4, sums);
		sum += sums[i % AGM_BLOCK_CODES];
	}
	sink = (double) sum;
}

/* In place again and again would overflow: each call copies by a scale of its own. */
static void
bench_hadamard(const AgmKernels *kernels, const Data *data, int calls)
{
	for (int i = 0; i < calls; i++)
	{
		if (i % 8 == 0)
			memcpy(data->out, A(x, i), sizeof(float) * data->rotation->power);
		kernels->hadamard(data->out, data->rotation->power);
	}
}

static void
bench_rotation(const AgmKernels *kernels, const Data *data, int calls)
{
	const AgmKernels *before = agm_kernels;

	agm_kernels = kernels;
	for (int i = 0; i < calls; i++)
		agm_rotation_apply(data->rotation, A(x, i), data->out);
	agm_kernels = before;
}

static const struct
{
	const char *name;
	Bench bench;
} benches[] = {
	{"dot", bench_dot},
	{"l2_squared", bench_l2_squared},
	{"l1", bench_l1},
	{"cosine_sums", bench_cosine_sums},
	{"half_dot", bench_half_dot},
	{"half_l2_squared", bench_half_l2_squared},
	{"half_l1", bench_half_l1},
	{"half_cosine_sums", bench_half_cosine_sums},
	{"half_to_float", bench_half_to_float},
	{"float_to_half", bench_float_to_half},
	{"int8_to_float", bench_int8_to_float},
	{"int8_dot", bench_int8_dot},
	{"uint8_int8_dot", bench_uint8_int8_dot},
	{"hamming", bench_hamming},
	{"bit_counts", bench_bit_counts},
	{"scan_block", bench_scan_block},
	{"hadamard", bench_hadamard},
	{"rotation", bench_rotation},
};

static double
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
time_calls(Bench bench, const AgmKernels *kernels, const Data *data, int calls)
{
	double start = now();

	bench(kernels, data, calls);
	return (now() - start) / calls;
}

static int
find_tables(const AgmKernels **tables)
{
	int ntables = 0;

	for (int simd = AGM_SIMD_SCALAR; simd <= AGM_SIMD_LAST; simd++)
		if (agm_simd_kernels(simd) != NULL)
			tables[ntables++] = agm_simd_kernels(simd);
	return ntables;
}

static void
run(const char *name, Bench bench, const Data *data, const AgmKernels **tables, int ntables)
{
	double times[AGM_SIMD_LAST][ROUNDS];
	int calls[AGM_SIMD_LAST];

	for (int t = 0; t < ntables; t++)
		calls[t] = (int) (CALLS_NS / time_calls(bench, tables[t], data, 1000)) + 1;
	for (int round = 0; round < ROUNDS; round++)
		for (int t = 0; t < ntables; t++)
			times[t][round] = time_calls(bench, tables[t], data, calls[t]);
	for (int t = 0; t < ntables; t++)
		qsort(times[t], ROUNDS, sizeof(double), compare);
	printf("%s", name);
	for (int t = 0; t < ntables; t++)
		printf(",%.2f", times[t][ROUNDS / 2]);
	for (int t = 1; t < ntables; t++)
		printf(",%.1f", times[0][ROUNDS / 2] / times[t][ROUNDS / 2]);
	printf("\n");
	fflush(stdout);
}

/* Memory that begins `offset` bytes after a cache line. */
static void *
allocate(Size size, int offset)
{
	char *memory = malloc(size + 2 * LINE);

	if (memory == NULL)
		exit(1);
	return (char *) TYPEALIGN(LINE, memory) + offset;
}

/* Of a generator with a fixed seed. */
static void
make_data(Data *data, int dim, int offset)
{
	uint64 state = 1;

	data->dim = dim;
	for (int k = 0; k < OPERANDS; k++)
	{
		data->x[k] = allocate(sizeof(float) * dim, offset);
		data->half[k] = allocate(sizeof(uint16) * dim, offset);
		data->code[k] = allocate(dim, offset);
		data->bits[k] = allocate(dim / 8 + 1, offset);
		for (int i = 0; i < dim; i++)
		{
			data->x[k][i] = (float) (int32) agm_splitmix64(&state) / 2147483648.0f;
			data->code[k][i] = (int8) agm_splitmix64(&state);
		}
		agm_kernels_scalar.float_to_half(data->x[k], data->half[k], dim);
		for (int i = 0; i < (dim + 7) / 8; i++)
			data->bits[k][i] = (uint8) agm_splitmix64(&state);
	}
	data->out = allocate(sizeof(float) * dim, offset);
	data->block = allocate((dim + 3) / 4 * AGM_BLOCK_GROUP_BYTES, offset);
	data->table = allocate((dim + 3) / 4 * 16, offset);
	for (int i = 0; i < (dim + 3) / 4 * 16; i++)
	{
		data->block[i] = (uint8) agm_splitmix64(&state);
		data->table[i] = agm_splitmix64(&state) % (AGM_BLOCK_TABLE_MAX + 1);
	}
	data->rotation = allocate(agm_rotation_size(dim), 0);
	agm_rotation_init(data->rotation, dim, 1);
}

#if defined(__x86_64__)
/*
 * Six steps (a bit flipped, a product, the sum of b), the difference of the sums, and seven
 * to fold 16 lanes: to registers that nobody reads.
 */
#define FLIP(to) "vpxord %%zmm31, %%zmm30, %%zmm" #to "\n\t"
#define PRODUCT(to) "vpdpbusd %%zmm31, %%zmm30, %%zmm" #to "\n\t"
#define PLUS(to, kind) "vpaddd %%" kind "mm31, %%" kind "mm30, %%" kind "mm" #to "\n\t"
#define INT8_DOT_384                                                                           \
	FLIP(16)                                                                                   \
	PRODUCT(17) PRODUCT(18) FLIP(19) PRODUCT(20) PRODUCT(21) FLIP(22) PRODUCT(23) PRODUCT(     \
		24) FLIP(16) PRODUCT(25) PRODUCT(26) FLIP(19) PRODUCT(27) PRODUCT(28)                  \
		FLIP(22) PRODUCT(17) PRODUCT(18) "vpsubd %%zmm31, %%zmm30, %%zmm29\n\t"                \
										 "vextracti64x4 $1, %%zmm30, %%ymm16\n\t" PLUS(        \
											 19, "y") "vextracti64x2 $1, %%ymm30, "            \
													  "%%xmm22\n\t" PLUS(16,                   \
																		 "x") "vpunpckhqdq "   \
																			  "%%xmm31, "      \
																			  "%%xmm30, "      \
																			  "%%"             \
																			  "xmm19\n"        \
																			  "\t" PLUS(22,    \
																						"x") "vmovq %%xmm30, %%rax\n\t"

static __attribute__((target("avx512f,avx512vl,avx512dq,avx512vnni"))) double
floor_int8_dot(void)
{
	double times[ROUNDS];
	int calls = (int) CALLS_NS / 4;

	for (int round = 0; round < ROUNDS; round++)
	{
		double start = now();

		for (int i = 0; i < calls; i++)
			__asm__ volatile(INT8_DOT_384 ::
								 : "rax", "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21",
								   "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27",
								   "xmm28", "xmm29", "xmm30", "xmm31");
		times[round] = (now() - start) / calls;
	}
	qsort(times, ROUNDS, sizeof(double), compare);
	return times[ROUNDS / 2];
}
#endif

int
main(int argc, char **argv)
{
	int dim = argc > 1 ? atoi(argv[1]) : DIM_DEFAULT;
	int offset = argc > 2 ? atoi(argv[2]) : 0;
	const AgmKernels *tables[AGM_SIMD_LAST];
	int ntables;
	Data data;

	if (argc > 1 && strcmp(argv[1], "floor") == 0)
	{
#if defined(__x86_64__)
		if (agm_simd_kernels(AGM_SIMD_AVX512) != NULL)
			printf("the 26 vector instructions of int8_dot on avx512, alone: %.2f ns\n",
				   floor_int8_dot());
#endif
		return 0;
	}
	if (offset < 0 || offset >= LINE || offset % sizeof(float) != 0 || dim < 1 ||
		dim > AGM_ROTATION_MAX_DIM)
	{
		fprintf(stderr, "usage: kernels [DIMENSIONS [OFFSET]]\n");
		return 2;
	}
	make_data(&data, dim, offset);
	ntables = find_tables(tables);
	printf("kernel");
	for (int t = 0; t < ntables; t++)
		printf(",%s ns", tables[t]->name);
	for (int t = 1; t < ntables; t++)
		printf(",%s times as fast", tables[t]->name);
	printf("\n");
	for (int i = 0; i < (int) lengthof(benches); i++)
		run(benches[i].name, benches[i].bench, &data, tables, ntables);
	return 0;
}
