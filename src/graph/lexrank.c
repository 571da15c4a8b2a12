/*
 * lexrank.c
 *		LexRank [Erkan and Radev 2004]: sentences vote for those that are like them.
 *
 * Pure.  Sums run over words and sentences in their order, so the same texts have the same ranks.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "graph/csr.h"
#include "graph/lexrank.h"
#include "graph/rank.h"

/* Cosine from which two sentences vote for each other; from which the second says nothing new. */
#define ALIKE 0.1
#define THE_SAME 0.7

/* A sentence of so many words counts whole, a shorter one in proportion. */
#define WHOLE 8

#define DAMPING 0.85
#define TOLERANCE 1e-9
#define ROUNDS_MAX 1000

/* Ranks that differ by less are equal: the last digits are the processor's. */
#define RANK_UNIT 1e-8

void
agm_lextext_init(AgmLexText *text, MemoryContext context)
{
	memset(text, 0, sizeof(*text));
	text->context = context;
	agm_ids_init(&text->ids, context);
	text->capacity = 64;
	text->start = MemoryContextAlloc(context, sizeof(uint32) * (text->capacity + 1));
	text->start[0] = 0;
	text->words_capacity = 1024;
	text->words = MemoryContextAlloc(context, sizeof(AgmLexWord) * text->words_capacity);
}

void
agm_lextext_word(AgmLexText *text, int64 hash, int count)
{
	if (text->nwords == text->words_capacity)
	{
		text->words_capacity *= 2;
		text->words = repalloc_huge(text->words, sizeof(AgmLexWord) * text->words_capacity);
	}
	text->words[text->nwords].word = agm_ids_add(&text->ids, hash, NULL);
	text->words[text->nwords++].weight = count;
}

static int
compare_words(const void *a, const void *b)
{
	uint32 x = ((const AgmLexWord *) a)->word;
	uint32 y = ((const AgmLexWord *) b)->word;

	return (x > y) - (x < y);
}

void
agm_lextext_end_sentence(AgmLexText *text)
{
	uint32 start = text->start[text->n];

	if (text->n == text->capacity)
	{
		text->capacity *= 2;
		text->start = repalloc_huge(text->start, sizeof(uint32) * (text->capacity + 1));
	}
	qsort(text->words + start, text->nwords - start, sizeof(AgmLexWord), compare_words);
	text->start[++text->n] = text->nwords;
}

/* Where a word is: in which sentence, with what weight. */
typedef struct Posting
{
	uint32 sentence;
	double weight;
} Posting;

/* Of each word where it is, in the order of sentences: word w has postings[start[w]] and on. */
typedef struct Postings
{
	uint32 *start;
	Posting *items;
} Postings;

static void
count_words(const AgmLexText *text, Postings *postings)
{
	uint32 n = text->ids.n;

	postings->start = MemoryContextAllocZero(text->context, sizeof(uint32) * (n + 2));
	postings->items =
		MemoryContextAllocHuge(text->context, sizeof(Posting) * Max(text->nwords, 1));
	for (uint32 w = 0; w < text->nwords; w++)
		postings->start[text->words[w].word + 1]++;
	for (uint32 w = 0; w < n; w++)
		postings->start[w + 1] += postings->start[w];
}

/* tf-idf: a word in df of n sentences counts ln(n / df) + 1; then each sentence has length 1. */
static void
weigh_words(AgmLexText *text, const Postings *postings)
{
	for (int i = 0; i < text->n; i++)
	{
		double sum = 0;

		for (uint32 w = text->start[i]; w < text->start[i + 1]; w++)
		{
			AgmLexWord *word = &text->words[w];
			uint32 df = postings->start[word->word + 1] - postings->start[word->word];

			word->weight *= log((double) text->n / df) + 1;
			sum += word->weight * word->weight;
		}
		for (uint32 w = text->start[i]; w < text->start[i + 1]; w++)
			text->words[w].weight /= sqrt(sum);
	}
}

static void
place_words(const AgmLexText *text, Postings *postings)
{
	uint32 *next = MemoryContextAlloc(text->context, sizeof(uint32) * (text->ids.n + 1));

	memcpy(next, postings->start, sizeof(uint32) * (text->ids.n + 1));
	for (int i = 0; i < text->n; i++)
		for (uint32 w = text->start[i]; w < text->start[i + 1]; w++)
		{
			const AgmLexWord *word = &text->words[w];
			Posting *posting = &postings->items[next[word->word]++];

			posting->sentence = i;
			posting->weight = word->weight;
		}
	pfree(next);
}

/* An edge between any two that are alike.  Each word's postings are passed up to sentence i. */
static void
join_sentences(const AgmLexText *text, Postings *postings, AgmGraph *graph)
{
	double *dot = MemoryContextAllocZero(text->context, sizeof(double) * Max(text->n, 1));

	for (int i = 0; i < text->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 w = text->start[i]; w < text->start[i + 1]; w++)
		{
			uint32 word = text->words[w].word;

			for (uint32 p = postings->start[word]; postings->items[p].sentence < (uint32) i;
				 p++)
				dot[postings->items[p].sentence] +=
					text->words[w].weight * postings->items[p].weight;
		}
		for (int j = 0; j < i; j++)
		{
			if (dot[j] >= ALIKE)
				agm_graph_add(graph, j, i, dot[j]);
			dot[j] = 0;
		}
	}
	pfree(dot);
}

/* Greetings and thanks are like each other, and say nothing. */
static void
discount_short(const AgmLexText *text, double *rank)
{
	double sum = 0;

	for (int i = 0; i < text->n; i++)
	{
		rank[i] *= Min(1, (double) (text->start[i + 1] - text->start[i]) / WHOLE);
		sum += rank[i];
	}
	for (int i = 0; i < text->n && sum > 0; i++)
		rank[i] /= sum;
}

void
agm_lexrank(AgmLexText *text, Size limit, double *rank)
{
	AgmRankOptions options = {DAMPING, TOLERANCE, ROUNDS_MAX, NULL};
	AgmRankResult result;
	AgmGraph graph;
	AgmCsr csr;
	Postings postings;

	memset(rank, 0, sizeof(double) * text->n);
	count_words(text, &postings);
	weigh_words(text, &postings);
	place_words(text, &postings);
	agm_graph_init(&graph, text->context, limit);
	join_sentences(text, &postings, &graph);
	pfree(postings.start);
	pfree(postings.items);
	agm_graph_finish(&graph, false, &csr);
	if (csr.n == 0)
		return;
	agm_rank(&csr, &options, &result);
	for (uint32 v = 0; v < csr.n; v++)
		rank[csr.ids[v]] = result.rank[v];
	discount_short(text, rank);
}

typedef struct Ranked
{
	double units; /* the rank, in units of what counts */
	int sentence;
} Ranked;

static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *x = a;
	const Ranked *y = b;

	if (x->units != y->units)
		return x->units > y->units ? -1 : 1;
	return (x->sentence > y->sentence) - (x->sentence < y->sentence);
}

/* Of two sentences, whose words are sorted. */
static double
cosine(const AgmLexText *text, int a, int b)
{
	uint32 i = text->start[a];
	uint32 j = text->start[b];
	double sum = 0;

	while (i < text->start[a + 1] && j < text->start[b + 1])
	{
		if (text->words[i].word < text->words[j].word)
			i++;
		else if (text->words[i].word > text->words[j].word)
			j++;
		else
			sum += text->words[i++].weight * text->words[j++].weight;
	}
	return sum;
}

int
agm_lexrank_choose(const AgmLexText *text, const double *rank, int wanted, int *chosen)
{
	Ranked *order = MemoryContextAlloc(text->context, sizeof(Ranked) * Max(text->n, 1));
	int n = 0;

	for (int i = 0; i < text->n; i++)
	{
		order[i].units = rint(rank[i] / RANK_UNIT);
		order[i].sentence = i;
	}
	qsort(order, text->n, sizeof(Ranked), compare_ranked);
	for (int i = 0; i < text->n && n < wanted; i++)
	{
		bool is_new = true;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < n && is_new; j++)
			is_new = cosine(text, order[i].sentence, chosen[j]) < THE_SAME;
		if (is_new)
			chosen[n++] = order[i].sentence;
	}
	pfree(order);
	return n;
}
