/*
 * extract.c
 *		From texts to the sentences that sum them up.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph/extract.h"
#include "graph/lexrank.h"
#include "lexical/lexical.h"

AgmExtract *
agm_extract_read(ArrayType *texts, const char *language, int max, int *n)
{
	AgmExtract *result = palloc(sizeof(AgmExtract) * 64);
	int capacity = 64;
	Datum *items;
	bool *nulls;
	int nitems;

	*n = 0;
	deconstruct_array(texts, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &nitems);
	for (int i = 0; i < nitems && *n < max; i++)
	{
		text *item = nulls[i] ? NULL : DatumGetTextPP(items[i]);
		AgmSentence *sentences;
		int nsentences;

		CHECK_FOR_INTERRUPTS();
		if (item == NULL)
			continue;
		sentences = agm_sentences(language, VARDATA_ANY(item), VARSIZE_ANY_EXHDR(item),
								  max - *n, &nsentences);
		while (*n + nsentences > capacity)
			capacity *= 2;
		result = repalloc_huge(result, sizeof(AgmExtract) * (Size) capacity);
		for (int j = 0; j < nsentences; j++)
		{
			result[*n] =
				(AgmExtract){VARDATA_ANY(item) + sentences[j].start, sentences[j].len, *n, 0};
			*n += 1;
		}
		pfree(sentences);
	}
	return result;
}

/* The words of a sentence; which namespace a key would be of does not matter. */
static void
add_sentence(AgmLexText *text, Oid config, const AgmExtract *sentence)
{
	int32 length;
	TSVector lexemes = agm_lexemes_make(config, sentence->text, sentence->len, &length);
	const WordEntry *entries = ARRPTR(lexemes);

	for (int i = 0; i < lexemes->size; i++)
	{
		const char *word = STRPTR(lexemes) + entries[i].pos;
		AgmTerm term = {word, entries[i].len};

		agm_lextext_word(text, agm_lexeme_key("", 0, word, entries[i].len),
						 agm_lexeme_frequency(lexemes, &term));
	}
	agm_lextext_end_sentence(text);
	pfree(lexemes);
}

/* The best of few enough to compare each with each. */
static int
choose_part(AgmExtract *sentences, int n, Oid config, int wanted)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agentmem sentences",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	AgmLexText text;
	double *rank = palloc(sizeof(double) * Max(n, 1));
	int *chosen = palloc(sizeof(int) * Max(n, 1));
	AgmExtract *best;
	int nchosen;

	agm_lextext_init(&text, context);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_sentence(&text, config, &sentences[i]);
	}
	agm_lexrank(&text, (Size) maintenance_work_mem * 1024, rank);
	nchosen = agm_lexrank_choose(&text, rank, wanted, chosen);
	best = palloc(sizeof(AgmExtract) * Max(nchosen, 1));
	for (int i = 0; i < nchosen; i++)
	{
		best[i] = sentences[chosen[i]];
		best[i].rank = rank[chosen[i]];
	}
	memcpy(sentences, best, sizeof(AgmExtract) * nchosen);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return nchosen;
}

static int
compare_places(const void *a, const void *b)
{
	int x = ((const AgmExtract *) a)->place;
	int y = ((const AgmExtract *) b)->place;

	return (x > y) - (x < y);
}

void
agm_extract_sort(AgmExtract *sentences, int n)
{
	qsort(sentences, n, sizeof(AgmExtract), compare_places);
}

/*
 * Of too many the best of each part are compared, as many as make a part together or as are wanted:
 * a round leaves half of them at most.
 */
int
agm_extract_choose(AgmExtract *sentences, int n, const char *language, int wanted)
{
	Oid config = agm_lexical_config(language, false);

	while (n > AGM_EXTRACT_PART)
	{
		int parts = (n + AGM_EXTRACT_PART - 1) / AGM_EXTRACT_PART;
		int each = Max(AGM_EXTRACT_PART / parts, Min(wanted, AGM_EXTRACT_PART / 2));
		int kept = 0;

		for (int i = 0; i < parts; i++)
		{
			int start = (int) ((int64) n * i / parts);
			int end = (int) ((int64) n * (i + 1) / parts);
			int best = choose_part(sentences + start, end - start, config, each);

			memmove(sentences + kept, sentences + start, sizeof(AgmExtract) * best);
			kept += best;
		}
		agm_extract_sort(sentences, kept);
		n = kept;
	}
	return choose_part(sentences, n, config, wanted);
}
