/*
 * model.c
 *		The life cycle of this benchmark without a server: what follows from the formulas alone.
 *
 * cc -O3 -ffast-math -o model model.c -lm && ./model SEED [HALF_LIFE [CONFIDENCE]]
 *
 * The same agent as load.sql's, from another source of random numbers: 20,000 memories of 200
 * topics over 300 days, 50 questions a day by Zipf's law, of which each uses the ten that recall
 * would return (nearest of a topic, times the weight of the state), one sweep a day.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define DIMENSIONS 384
#define TOPICS 200
#define MEMORIES 20000
#define QUESTIONS 11000
#define DAYS 300
#define ASKED 50
#define K 10
#define POOL 100

enum
{
	ACTIVE,
	WARM,
	COLD,
	ARCHIVED,
	FORGOTTEN
};

static const double bound[] = {0.8, 0.5, 0.2, 0.05};
static const double weight[] = {1, 0.7, 0.3};
static const int bits[] = {32, 16, 8, 1, 1};

static float center[TOPICS][DIMENSIONS];
static float memory[MEMORIES][DIMENSIONS];
static float question[QUESTIONS][DIMENSIONS];
static int topic_of[MEMORIES];
static int state[MEMORIES];
static int accesses[MEMORIES];
static double last_access[MEMORIES];
static int said[TOPICS][MEMORIES];
static int nsaid[TOPICS];
static int asks[TOPICS][QUESTIONS];
static int nasks[TOPICS];
static int topic_at[TOPICS]; /* by place: the first is asked for most */
static double upto[TOPICS];

typedef struct Candidate
{
	double score;
	int id;
} Candidate;

static uint64_t seed;

static double
uniform(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double) (seed >> 11) / 9007199254740992.0;
}

static double
normal(void)
{
	return sqrt(-2 * log(fmax(uniform(), 1e-300))) * cos(2 * M_PI * uniform());
}

static void
make_vector(float *v, int topic)
{
	double norm = 0;

	for (int i = 0; i < DIMENSIONS; i++)
	{
		v[i] = center[topic][i] + 0.82 * normal() / sqrt(DIMENSIONS);
		norm += v[i] * v[i];
	}
	for (int i = 0; i < DIMENSIONS; i++)
		v[i] /= sqrt(norm);
}

static void
shuffle(int *items, int n)
{
	for (int i = n - 1; i > 0; i--)
	{
		int j = uniform() * (i + 1);
		int item = items[i];

		items[i] = items[j];
		items[j] = item;
	}
}

static void
plan(void)
{
	double sum = 0;

	for (int t = 0; t < TOPICS; t++)
	{
		for (int i = 0; i < DIMENSIONS; i++)
			center[t][i] = normal() / sqrt(DIMENSIONS);
		topic_at[t] = t;
		upto[t] = sum += pow(t + 1, -1.1);
	}
	for (int i = 0; i < MEMORIES; i++)
		make_vector(memory[i], topic_of[i] = uniform() * TOPICS);
	for (int i = 0; i < QUESTIONS; i++)
	{
		int t = uniform() * TOPICS;

		make_vector(question[i], t);
		asks[t][nasks[t]++] = i;
	}
	shuffle(topic_at, TOPICS);
}

/* Each week a twentieth of the topics change places. */
static void
drift(void)
{
	int places[TOPICS];
	int topics[TOPICS];
	int n = 0;

	for (int i = 0; i < TOPICS; i++)
		if (uniform() < 0.05)
		{
			places[n] = i;
			topics[n++] = topic_at[i];
		}
	shuffle(topics, n);
	for (int i = 0; i < n; i++)
		topic_at[places[i]] = topics[i];
}

static int
by_score(const void *a, const void *b)
{
	double x = ((const Candidate *) a)->score;
	double y = ((const Candidate *) b)->score;

	return x < y ? 1 : x > y ? -1 : ((const Candidate *) a)->id - ((const Candidate *) b)->id;
}

static void
ask(double at)
{
	static Candidate found[MEMORIES];
	double u = uniform() * upto[TOPICS - 1];
	int place = 0;
	int t;
	const float *q;
	int n = 0;

	while (upto[place] < u)
		place++;
	t = topic_at[place];
	if (nasks[t] == 0)
		return;
	q = question[asks[t][(int) (uniform() * nasks[t])]];
	for (int j = 0; j < nsaid[t]; j++)
	{
		int id = said[t][j];
		double cosine = 0;

		if (state[id] >= ARCHIVED)
			continue;
		for (int i = 0; i < DIMENSIONS; i++)
			cosine += memory[id][i] * q[i];
		found[n].score = cosine;
		found[n++].id = id;
	}
	qsort(found, n, sizeof(Candidate), by_score);
	n = n < POOL ? n : POOL;
	for (int j = 0; j < n; j++)
		found[j].score *= weight[state[found[j].id]];
	qsort(found, n, sizeof(Candidate), by_score);
	for (int j = 0; j < n && j < K; j++)
	{
		accesses[found[j].id]++;
		last_access[found[j].id] = at;
	}
}

static void
sweep(int nmemories, double at, double half_life, double confidence)
{
	for (int i = 0; i < nmemories; i++)
	{
		double strength = half_life * (1 + 2 * log1p(accesses[i])) / (1 + 2 * (1 - confidence));
		double retention = exp2(-(at - last_access[i]) / strength);

		if (state[i] == FORGOTTEN)
			continue;
		if (state[i] > ACTIVE && retention > bound[state[i] - 1] * 1.05)
			state[i]--;
		else if (retention <= bound[state[i]] * 0.95)
			state[i]++;
	}
}

int
main(int argc, char **argv)
{
	double half_life = argc > 2 ? atof(argv[2]) : 30;
	double confidence = argc > 3 ? atof(argv[3]) : 0.85;
	double sum[2] = {0, 0};
	int n[2] = {0, 0};
	double stored = 0;
	int next = 0;

	seed = UINT64_C(0x9E3779B97F4A7C15) * (argc > 1 ? atoi(argv[1]) + 1 : 1);
	plan();
	for (int day = 0; day < DAYS; day++)
	{
		if (day > 0 && day % 7 == 0)
			drift();
		for (; next < MEMORIES && next * (long) DAYS / MEMORIES == day; next++)
		{
			said[topic_of[next]][nsaid[topic_of[next]]++] = next;
			last_access[next] = day;
		}
		for (int i = 0; i < ASKED; i++)
			ask(day + 0.5);
		sweep(next, day + 1, half_life, confidence);
	}
	for (int i = 0; i < MEMORIES; i++)
	{
		sum[accesses[i] > 0] += 1 + 2 * log1p(accesses[i]);
		n[accesses[i] > 0]++;
		stored += bits[state[i]] / 32.0 / MEMORIES;
	}
	printf("used %d, unused %d, discrimination %.2f, bytes of embeddings %.3f\n", n[1], n[0],
		   (sum[1] / n[1]) / (sum[0] / n[0]), stored);
	return 0;
}
