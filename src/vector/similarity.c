/*
 * similarity.c
 *		frqad and its_score.
 */
#include "postgres.h"

#include <math.h>

#include "vector/similarity.h"

/* The variance of the least and of the most certain value of a vector of 32 bits. */
#define VARIANCE_MAX 2.0
#define VARIANCE_MIN 0.05

static float
largest_magnitude(const float *x, int dim)
{
	float largest = 0.0f;

	for (int i = 0; i < dim; i++)
		largest = Max(largest, fabsf(x[i]));

	return largest;
}

/* arccosh(1 + t); near 1 the textbook formula would lose all digits of a small t. */
static double
arccosh_1p(double t)
{
	return log1p(t + sqrt(t * (t + 2.0)));
}

/* The deviation of a value that is `share` of the largest one, times what all are spread by. */
static double
deviation(double share, double spread)
{
	return sqrt((VARIANCE_MAX - (VARIANCE_MAX - VARIANCE_MIN) * share) * spread);
}

double
agm_frqad(AgmMeasured a, AgmMeasured b, int dim)
{
	double a_largest = largest_magnitude(a.x, dim);
	double b_largest = largest_magnitude(b.x, dim);
	double a_spread = sqrt(32.0 / a.bits);
	double b_spread = sqrt(32.0 / b.bits);
	double sum = 0.0;

	for (int i = 0; i < dim; i++)
	{
		double s1 = deviation(a_largest > 0.0 ? fabs(a.x[i]) / a_largest : 0.0, a_spread);
		double s2 = deviation(b_largest > 0.0 ? fabs(b.x[i]) / b_largest : 0.0, b_spread);
		double mean = (double) a.x[i] - b.x[i];
		double part = arccosh_1p((mean * mean + 2.0 * (s1 - s2) * (s1 - s2)) / (4.0 * s1 * s2));

		sum += 2.0 * part * part;
	}

	return sqrt(sum);
}

/* p log p, as its limit at 0 is. */
static double
plogp(double p)
{
	return p > 0.0 ? p * log(p) : 0.0;
}

double
agm_its_score(AgmBitPairs pairs)
{
	double n = (double) (pairs.both + pairs.only_query + pairs.only_other + pairs.neither);
	uint64 agree = pairs.both + pairs.neither;
	uint64 differ = pairs.only_query + pairs.only_other;
	double query = (double) (pairs.both + pairs.only_query) / n;
	double other = (double) (pairs.both + pairs.only_other) / n;
	double query_entropy;
	double other_entropy;
	double joint_entropy;
	double share;

	/* All that could be said of a query without information, or of an empty one. */
	if (differ == 0)
		return 1.0;
	if (agree == 0)
		return -1.0;

	query_entropy = -plogp(query) - plogp(1.0 - query);
	if (query_entropy <= 0.0)
		return 0.0;
	other_entropy = -plogp(other) - plogp(1.0 - other);
	joint_entropy = -plogp((double) pairs.both / n) - plogp((double) pairs.only_query / n) -
					plogp((double) pairs.only_other / n) - plogp((double) pairs.neither / n);

	/* Rounding may push it past either end. */
	share = (query_entropy + other_entropy - joint_entropy) / query_entropy;
	share = Min(Max(share, 0.0), 1.0);

	return agree >= differ ? share : -share;
}
