/*
 * test_fuse.c
 *		Fusion of channels against the formulas of src/recall/README.md, worked by hand.
 */
#include "postgres.h"

#include <math.h>

#include "recall/fuse.h"

#include "unit.h"

static const double weights[AGM_NCHANNELS] = {[AGM_SEMANTIC] = 1.2, [AGM_LEXICAL] = 1.0};
static const bool both[AGM_NCHANNELS] = {true, true};

/* A candidate as recall makes them: active, without importance. */
static AgmCandidate
candidate(int64 id, double semantic, double lexical)
{
	AgmCandidate c = {0};

	c.id = id;
	c.channel[AGM_SEMANTIC].score = semantic;
	c.channel[AGM_LEXICAL].score = lexical;
	c.has_embedding = true;
	c.state_weight = 1;
	return c;
}

static const AgmCandidate *
find(const AgmCandidate *candidates, int n, int64 id)
{
	for (int i = 0; i < n; i++)
		if (candidates[i].id == id)
			return &candidates[i];
	return NULL;
}

static bool
near(double got, double expected)
{
	return fabs(got - expected) < 1e-12;
}

/* What no edge leads to is judged by the other channels, and loses nothing. */
static void
check_isolated(void)
{
	static const double three[AGM_NCHANNELS] = {
		[AGM_SEMANTIC] = 1.2, [AGM_LEXICAL] = 1.0, [AGM_GRAPH] = 2.0};
	static const bool active[AGM_NCHANNELS] = {true, true, true};
	AgmCandidate c[3] = {candidate(1, .8, 4), candidate(2, .8, 4), candidate(3, .8, 4)};

	c[1].channel[AGM_GRAPH].score = .5;
	c[2].isolated = true;
	agm_fuse(c, 3, AGM_FUSION_SCORE, three, active);
	UNIT_CHECK(near(find(c, 3, 2)->score, 1 / 1.2), "graph: the best");
	UNIT_CHECK(near(find(c, 3, 1)->score, 2.2 / 4.2 / 1.2), "graph: linked, but not reached");
	UNIT_CHECK(near(find(c, 3, 3)->score, 1 / 1.2), "graph: not linked");
}

static void
check_score(void)
{
	AgmCandidate c[3] = {candidate(1, .8, 2), candidate(2, .4, 4), candidate(3, 0, 1)};

	agm_fuse(c, 3, AGM_FUSION_SCORE, weights, both);
	UNIT_CHECK(near(find(c, 3, 1)->score, (1.2 * 1 + 1.0 * .5) / 2.2 / 1.2),
			   "score: best by meaning");
	UNIT_CHECK(near(find(c, 3, 2)->score, (1.2 * .5 + 1.0 * 1) / 2.2 / 1.2),
			   "score: best by words");
	UNIT_CHECK(near(find(c, 3, 3)->score, (1.0 * .25) / 2.2 / 1.2),
			   "score: found by words only");
	UNIT_CHECK(c[0].id == 1 && c[1].id == 2 && c[2].id == 3, "score: sorted, best first");
	UNIT_CHECK(find(c, 3, 2)->channel[AGM_LEXICAL].rank == 1 &&
				   find(c, 3, 1)->channel[AGM_LEXICAL].rank == 2,
			   "ranks within a channel");
	UNIT_CHECK(find(c, 3, 3)->channel[AGM_SEMANTIC].rank == 0,
			   "no rank where nothing was found");
}

static void
check_rrf(void)
{
	AgmCandidate c[2] = {candidate(1, .8, 2), candidate(2, .4, 0)};

	agm_fuse(c, 2, AGM_FUSION_RRF, weights, both);
	UNIT_CHECK(near(c[0].score, 1 / 1.2), "rrf: first everywhere is 1 before importance");
	UNIT_CHECK(near(c[1].score, 1.2 * 61 / 62 / 2.2 / 1.2),
			   "rrf: second in one channel, absent in the other");
}

static void
check_factors(void)
{
	AgmCandidate c[4] = {candidate(1, 1, 1), candidate(2, 1, 1), candidate(3, 1, 1),
						 candidate(4, 0, 1)};

	c[0].importance = 1;
	c[1].state_weight = .3;
	c[2].importance = .5;
	c[3].has_embedding = false;
	agm_fuse(c, 4, AGM_FUSION_SCORE, weights, both);
	UNIT_CHECK(near(find(c, 4, 1)->score, 1), "importance 1 keeps the whole score");
	UNIT_CHECK(near(find(c, 4, 2)->score, .3 / 1.2), "a state's weight multiplies");
	UNIT_CHECK(near(find(c, 4, 3)->score, 1.1 / 1.2), "importance adds up to a fifth");
	UNIT_CHECK(near(find(c, 4, 4)->score, .9 / 1.2),
			   "without embedding: the other channels, times 0.9");
}

static void
check_channels(void)
{
	static const bool lexical_only[AGM_NCHANNELS] = {[AGM_LEXICAL] = true};
	static const double no_words[AGM_NCHANNELS] = {[AGM_SEMANTIC] = 1, [AGM_LEXICAL] = 0};
	AgmCandidate c[2] = {candidate(1, .8, 0), candidate(2, .4, 0)};
	AgmCandidate d[2] = {candidate(1, .8, 1), candidate(2, .4, 2)};
	AgmCandidate e[2] = {candidate(1, .8, 1), candidate(2, .4, 2)};

	agm_fuse(c, 2, AGM_FUSION_SCORE, weights, both);
	UNIT_CHECK(near(c[0].score, 1 / 1.2), "a channel that found nothing does not weigh");
	agm_fuse(d, 2, AGM_FUSION_SCORE, weights, lexical_only);
	UNIT_CHECK(d[0].id == 2 && near(d[0].score, 1 / 1.2),
			   "a channel that was not asked does not weigh");
	UNIT_CHECK(d[0].channel[AGM_SEMANTIC].rank == 0, "nor rank");
	agm_fuse(e, 2, AGM_FUSION_SCORE, no_words, both);
	UNIT_CHECK(e[0].id == 1 && near(e[1].score, .5 / 1.2), "weight 0 leaves a channel out");
	agm_fuse(NULL, 0, AGM_FUSION_SCORE, weights, both);
}

static void
check_ties(void)
{
	AgmCandidate c[3] = {candidate(7, .5, 1), candidate(3, .5, 1), candidate(5, .5, 1)};

	c[0].ns = 1;
	c[1].ns = 1;
	agm_fuse(c, 3, AGM_FUSION_RRF, weights, both);
	UNIT_CHECK(c[0].id == 5 && c[1].id == 3 && c[2].id == 7, "ties by namespace, then id");
}

void
agm_unit_fuse(void)
{
	check_score();
	check_isolated();
	check_rrf();
	check_factors();
	check_channels();
	check_ties();
}
