/*
 * words_fn.c
 *		Whether one text says no more than another, by its words in their order.
 *
 * Rules: src/consolidate/README.md, "Duplicates".
 */
#include "postgres.h"

#include "fmgr.h"
#include "tsearch/ts_type.h"
#include "tsearch/ts_utils.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(agm_fn_restates);

typedef struct Word
{
	int position;
	int lexeme;
} Word;

static int
compare_words(const void *a, const void *b)
{
	const Word *x = a;
	const Word *y = b;

	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return (x->lexeme > y->lexeme) - (x->lexeme < y->lexeme);
}

/* The words of a text in their order. */
static Word *
words_of(TSVector vector, int *n)
{
	WordEntry *entries = ARRPTR(vector);
	Word *words;
	int total = 0;

	for (int i = 0; i < vector->size; i++)
		total += POSDATALEN(vector, &entries[i]);
	words = palloc(sizeof(Word) * Max(total, 1));
	*n = 0;
	for (int i = 0; i < vector->size; i++)
		for (int j = 0; j < POSDATALEN(vector, &entries[i]); j++)
			words[(*n)++] = (Word){WEP_GETPOS(POSDATAPTR(vector, &entries[i])[j]), i};
	if (*n > 1)
		qsort(words, *n, sizeof(Word), compare_words);
	return words;
}

static bool
same_word(TSVector a, int i, TSVector b, int j)
{
	WordEntry *x = &ARRPTR(a)[i];
	WordEntry *y = &ARRPTR(b)[j];

	return x->len == y->len && memcmp(STRPTR(a) + x->pos, STRPTR(b) + y->pos, x->len) == 0;
}

/* restates(whole, part): positions are needed, which array_to_tsvector() and strip() leave out */
Datum
agm_fn_restates(PG_FUNCTION_ARGS)
{
	TSVector whole = PG_GETARG_TSVECTOR(0);
	TSVector part = PG_GETARG_TSVECTOR(1);
	int nwhole;
	int npart;
	Word *in = words_of(whole, &nwhole);
	Word *wanted = words_of(part, &npart);
	int found = 0;

	for (int i = 0; i < nwhole && found < npart; i++)
		if (same_word(whole, in[i].lexeme, part, wanted[found].lexeme))
			found++;
	if (npart == 0 || found < npart)
		PG_RETURN_FLOAT4(0);
	PG_RETURN_FLOAT4((float4) npart / (float4) nwhole);
}
