/*
 * names.c
 *		The entity channel: which of a memory's subject, object and speaker the query names.
 *
 * README rule 15.  A name counts as named if all of its words are in the query, after folding and
 * stemming.  The same few names come again and again: what was said of them is remembered.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/builtins.h"

#include "lexical/lexical.h"
#include "recall/names.h"

/* What is longer is a sentence. */
#define NAME_BYTES_MAX 100

/* A speaker at the beginning of a turn: "Name: ". */
#define SPEAKER_BYTES_MAX 40
#define SPEAKER_WORDS_MAX 4

#define KNOWN 256

typedef struct Known
{
	char *name; /* NULL: nothing is known */
	int len;
	bool named;
} Known;

struct AgmNames
{
	const AgmSearched *searched;
	const AgmWords *words;
	MemoryContext context;
	Known known[KNOWN]; /* by hash; who comes later takes the place */
};

AgmNames *
agm_names_open(const AgmSearched *searched, const AgmWords *words)
{
	AgmNames *names = palloc0(sizeof(AgmNames));

	names->searched = searched;
	names->words = words;
	names->context = CurrentMemoryContext;
	return names;
}

static int
compare_terms(const AgmTerm *a, const AgmTerm *b)
{
	int order = memcmp(a->word, b->word, Min(a->len, b->len));

	return order != 0 ? order : a->len - b->len;
}

static bool
has_term(const AgmNames *names, const AgmTerm *term)
{
	int low = 0;
	int high = names->words->n;

	while (low < high)
	{
		int middle = low + (high - low) / 2;
		int order = compare_terms(&names->words->terms[middle], term);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool
is_named(AgmNames *names, const char *name, int len)
{
	int nterms;
	AgmTerm *terms = agm_lexical_query(names->searched->configs, names->searched->nconfigs,
									   name, len, &nterms);

	for (int i = 0; i < nterms; i++)
		if (!has_term(names, &terms[i]))
			return false;
	return nterms > 0;
}

static bool
look_up(AgmNames *names, const char *name, int len)
{
	Known *known;

	if (len == 0 || len > NAME_BYTES_MAX)
		return false;
	known = &names->known[hash_bytes((const unsigned char *) name, len) % KNOWN];
	if (known->name == NULL || known->len != len || memcmp(known->name, name, len) != 0)
	{
		MemoryContext old = MemoryContextSwitchTo(names->context);

		known->named = is_named(names, name, len);
		known->name = pnstrdup(name, len);
		known->len = len;
		MemoryContextSwitchTo(old);
	}
	return known->named;
}

static bool
column_is_named(AgmNames *names, TupleTableSlot *slot, int column)
{
	bool isnull;
	Datum value = slot_getattr(slot, column, &isnull);
	text *name;

	if (isnull)
		return false;
	name = DatumGetTextPP(value);
	return look_up(names, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/* How long the speaker's name before the first colon is; 0: there is none. */
static int
speaker_length(const char *content, int len)
{
	int words = 1;

	for (int i = 0; i < len && i <= SPEAKER_BYTES_MAX; i++)
	{
		if (content[i] == ':')
			return i + 1 < len && content[i + 1] == ' ' ? i : 0;
		if (content[i] == '\n' || (content[i] == ' ' && ++words > SPEAKER_WORDS_MAX))
			return 0;
	}
	return 0;
}

double
agm_names_score(AgmNames *names, TupleTableSlot *slot, int first)
{
	double score = 0;
	bool isnull;
	Datum value;

	score += column_is_named(names, slot, first);
	score += column_is_named(names, slot, first + 1);
	if (column_is_named(names, slot, first + 2))
		return score + 1;
	value = slot_getattr(slot, first + 3, &isnull);
	if (!isnull)
	{
		text *content = DatumGetTextPP(value);
		int len = speaker_length(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));

		score += look_up(names, VARDATA_ANY(content), len);
	}
	return score;
}
