/*
 * concept.c
 *		What a text is about: names, frequent words, pairs of words.  README.md, rules 31 to 37.
 *
 * One pass over the words collects candidates by their lexemes, so that case, number and
 * script unite; what is a name is decided at the end, when all occurrences are known.  Words,
 * candidates and their memory are bounded; time is linear in the text.
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "lexical/lexical.h"
#include "lexical/stem.h"
#include "lexical/time_phrase.h"
#include "lexical/words.h"

/* Distinct candidates; what comes later is left out. */
#define CANDIDATES_MAX 4096

/* A longer word is encoded bytes or a mistake. */
#define CONCEPT_WORD_MAX 128

/* Capitalised words in a row that may be a name; more are a title. */
#define NAME_WORDS_MAX 4

/* Words of a row, small ones between included. */
#define ROW_MAX (2 * NAME_WORDS_MAX)

typedef enum CandidateKind
{
	CANDIDATE_WORD,
	CANDIDATE_PAIR,
	CANDIDATE_SIGN, /* identifiers */
	CANDIDATE_TAG,	/* hashtags and mentions */
	CANDIDATE_NAME	/* several capitalised words */
} CandidateKind;

typedef struct Candidate
{
	CandidateKind kind;
	char *lexemes; /* with a blank between, terminated */
	char *surface; /* as it was written, terminated */
	bool by_place; /* written with a capital where a sentence begins: that tells nothing */
	bool bound;	   /* a pair with a hyphen */
	int count;
	int capital;   /* times with a capital that tells something */
	int others[2]; /* of a pair its words; of a name that begins a sentence its rest, or -1 */
} Candidate;

/* A word of the row that may become a name. */
typedef struct RowWord
{
	const char *source;
	int len;
	const char *lexeme; /* NULL of a small word */
	AgmGap gap;
	bool begins; /* a sentence */
	bool acronym;
} RowWord;

/* From lexemes to the candidate. */
typedef struct KeyEntry
{
	AgmTerm key;
	uint32 hash;
	char status;
	int candidate;
} KeyEntry;

#define SH_PREFIX concept_key
#define SH_ELEMENT_TYPE KeyEntry
#define SH_KEY_TYPE AgmTerm
#define SH_KEY key
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).word, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).word, (b).word, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Collector
{
	/* set once */
	MemoryContext context;
	const AgmTimeLanguage *time;
	bool english;
	bool nouns_capital; /* German: a capital makes no name */
	const char *text;

	/* changes */
	concept_key_hash *keys;
	int ncandidates;
	int capacity;
	Candidate *candidates;
	int nrow;
	RowWord row[ROW_MAX];
	int previous; /* candidate of the word before, -1 if none may pair with the next */
	const char *previous_source;
	int previous_len;
} Collector;

/* Small words that names have inside: University of California, Ludwig van Beethoven. */
static const char *const name_links[] = {"of",	"da",  "de",  "del", "della", "den",
										 "der", "des", "di",  "do",	 "dos",	  "du",
										 "la",	"le",  "van", "von"};

/* Said before a name where a sentence begins, and no part of it. */
static const char *const greetings[] = {
	"absolutely", "ah",	   "aw",	"awesome", "bye",  "congrats", "congratulations",
	"cool",		  "danke", "dear",	"glad",	   "good", "great",	   "haha",
	"hallo",	  "hello", "hey",	"hi",	   "ja",   "liebe",	   "lieber",
	"morning",	  "nein",  "nice",	"no",	   "oh",   "ok",	   "okay",
	"sorry",	  "sure",  "thank", "thanks",  "well", "wow",	   "yay",
	"yeah",		  "yep",   "yes"};

static bool
is_one_of(const char *word, int len, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
	{
		if ((int) strlen(list[i]) == len && pg_strncasecmp(word, list[i], len) == 0)
			return true;
	}
	return false;
}

/* The candidate of these lexemes; -1 if there are too many others. */
static int
find_candidate(Collector *collector, const char *lexemes, CandidateKind kind)
{
	AgmTerm key = {lexemes, strlen(lexemes)};
	KeyEntry *entry;
	Candidate *candidate;
	bool found;

	if (collector->ncandidates == CANDIDATES_MAX)
	{
		entry = concept_key_lookup(collector->keys, key);
		return entry == NULL ? -1 : entry->candidate;
	}
	entry = concept_key_insert(collector->keys, key, &found);
	if (found)
		return entry->candidate;
	if (collector->ncandidates == collector->capacity)
	{
		collector->capacity *= 2;
		collector->candidates =
			repalloc(collector->candidates, collector->capacity * sizeof(Candidate));
	}
	candidate = &collector->candidates[collector->ncandidates];
	memset(candidate, 0, sizeof(Candidate));
	candidate->kind = kind;
	candidate->lexemes = MemoryContextStrdup(collector->context, lexemes);
	candidate->others[0] = candidate->others[1] = -1;
	entry->key.word = candidate->lexemes;
	entry->candidate = collector->ncandidates;
	return collector->ncandidates++;
}

/* Counts an occurrence, written like that. */
static void
count_candidate(Collector *collector, int index, const char *surface, int len, bool capital,
				bool by_place)
{
	Candidate *candidate = &collector->candidates[index];

	candidate->count++;
	candidate->capital += capital;
	if (candidate->surface == NULL || (candidate->by_place && !by_place))
	{
		candidate->surface = MemoryContextAlloc(collector->context, len + 1);
		memcpy(candidate->surface, surface, len);
		candidate->surface[len] = '\0';
		candidate->by_place = by_place;
	}
}

/* Adverbs and participles make no nouns; known of English only. */
static bool
is_noun_like(const Collector *collector, const char *first, int first_len, const char *second,
			 int second_len)
{
	if (!collector->english)
		return true;
	return !(first_len > 4 && memcmp(first + first_len - 2, "ly", 2) == 0) &&
		   !(second_len > 4 && (memcmp(second + second_len - 2, "ly", 2) == 0 ||
								memcmp(second + second_len - 2, "ed", 2) == 0));
}

static void
add_pair(Collector *collector, int word, const char *source, int len, AgmGap gap)
{
	char lexemes[CONCEPT_WORD_MAX * 2 + 2];
	char surface[CONCEPT_WORD_MAX * 2 + 2];
	const char *first = collector->candidates[collector->previous].lexemes;
	const char *second = collector->candidates[word].lexemes;
	const char *between = gap == AGM_GAP_NONE ? "" : (gap == AGM_GAP_DASH ? "-" : " ");
	int pair;

	if (collector->previous == word || strlen(first) > CONCEPT_WORD_MAX ||
		strlen(second) > CONCEPT_WORD_MAX ||
		!is_noun_like(collector, collector->previous_source, collector->previous_len, source,
					  len))
		return;
	snprintf(lexemes, sizeof(lexemes), "%s %s", first, second);
	pair = find_candidate(collector, lexemes, CANDIDATE_PAIR);
	if (pair < 0)
		return;
	snprintf(surface, sizeof(surface), "%.*s%s%.*s", collector->previous_len,
			 collector->previous_source, between, len, source);
	count_candidate(collector, pair, surface, strlen(surface), false, false);
	collector->candidates[pair].bound |= gap == AGM_GAP_DASH;
	collector->candidates[pair].others[0] = collector->previous;
	collector->candidates[pair].others[1] = word;
}

/* A word that is, or may be, of no name. */
static void
add_word(Collector *collector, const RowWord *word, bool capital)
{
	int index = find_candidate(collector, word->lexeme, CANDIDATE_WORD);
	bool tells = word->acronym || (capital && !word->begins);

	if (index >= 0)
	{
		count_candidate(collector, index, word->source, word->len, tells,
						capital && word->begins);
		if (collector->previous >= 0 && !tells &&
			(word->gap == AGM_GAP_SPACE || word->gap == AGM_GAP_DASH ||
			 word->gap == AGM_GAP_NONE))
			add_pair(collector, index, word->source, word->len, word->gap);
	}
	collector->previous = tells ? -1 : index;
	collector->previous_source = word->source;
	collector->previous_len = word->len;
}

/* Several capitalised words, small ones between them: a name. */
static void
add_name(Collector *collector, const RowWord *row, int nrow)
{
	char lexemes[ROW_MAX * (CONCEPT_WORD_MAX + 1)];
	char surface[ROW_MAX * (CONCEPT_WORD_MAX + 1)];
	int nlexemes = 0;
	int nsurface = 0;
	int rest = -1;
	int index;

	for (int i = 0; i < nrow; i++)
	{
		int len = row[i].lexeme == NULL ? row[i].len : (int) strlen(row[i].lexeme);

		if (len > CONCEPT_WORD_MAX)
			return;
		if (nsurface > 0)
			surface[nsurface++] = row[i].gap == AGM_GAP_DASH ? '-' : ' ';
		memcpy(surface + nsurface, row[i].source, row[i].len);
		nsurface += row[i].len;
		if (row[i].lexeme == NULL)
			continue;
		if (nlexemes > 0)
			lexemes[nlexemes++] = ' ';
		if (i == 1)
			rest = nlexemes;
		memcpy(lexemes + nlexemes, row[i].lexeme, len);
		nlexemes += len;
	}
	lexemes[nlexemes] = '\0';
	index = find_candidate(collector, lexemes, CANDIDATE_NAME);
	if (index < 0)
		return;
	if (collector->candidates[index].kind == CANDIDATE_PAIR)
		collector->candidates[index].surface = NULL;
	collector->candidates[index].kind = CANDIDATE_NAME;
	count_candidate(collector, index, surface, nsurface, true, false);

	/* "Painting Melanie": a word that begins a sentence, before a name? */
	if (row[0].begins && !row[0].acronym && rest > 0)
	{
		rest = find_candidate(collector, lexemes + rest, CANDIDATE_WORD);
		collector->candidates[index].others[0] = rest;
	}
	else
		collector->candidates[index].capital++;
}

/* The row of capitalised words is over. */
static void
end_row(Collector *collector)
{
	const RowWord *row = collector->row;
	int nrow = collector->nrow;
	int nwords = 0;

	collector->nrow = 0;
	if (nrow > 1 && row[0].begins &&
		is_one_of(row[0].source, row[0].len, greetings, lengthof(greetings)))
	{
		row++;
		nrow--;
		while (nrow > 0 && row->lexeme == NULL)
		{
			row++;
			nrow--;
		}
	}
	for (int i = 0; i < nrow; i++)
		nwords += row[i].lexeme != NULL;
	if (nwords > 1 && nwords <= NAME_WORDS_MAX)
	{
		add_name(collector, row, nrow);
		collector->previous = -1;
		return;
	}
	for (int i = 0; i < nrow; i++)
	{
		/* Of a title, capitals tell nothing. */
		RowWord word = row[i];

		word.begins |= nwords > NAME_WORDS_MAX;
		word.acronym &= nwords <= NAME_WORDS_MAX;
		if (word.lexeme != NULL)
			add_word(collector, &word, true);
	}
}

/* Ends the row, and lets no word pair with the next. */
static void
part(Collector *collector)
{
	end_row(collector);
	collector->previous = -1;
}

/* One letter, one sign of Han, or marks alone. */
static bool
is_one_character(const AgmWord *word)
{
	int nchars = 0;

	for (int i = 0; i < word->utf8_len && nchars < 2; i++)
		nchars += (word->utf8[i] & 0xC0) != 0x80;
	return nchars < 2;
}

/* The word's lexeme; NULL if it says nothing of what the text is about. */
static const char *
lexeme_of(const AgmWord *word, const Collector *collector)
{
	const char *lexeme;
	const AgmTimeEntry *entries;
	int n;

	if (word->len > CONCEPT_WORD_MAX || is_one_character(word))
		return NULL;
	lexeme = agm_stem(word->kind, collector->text + word->start, word->len);
	if (lexeme == NULL || lexeme[0] == '\0')
		return NULL;
	/* "Fridays" is of time by its lexeme only. */
	entries = agm_time_lookup(collector->time, lexeme, &n);
	return agm_time_is_only(entries, n) ? NULL : lexeme;
}

static bool
is_acronym(const AgmWord *word)
{
	int upper = 0;

	for (int i = 0; i < word->utf8_len; i++)
	{
		if (word->utf8[i] >= 'a' && word->utf8[i] <= 'z')
			return false;
		upper += word->utf8[i] >= 'A' && word->utf8[i] <= 'Z';
	}
	return upper >= 2;
}

/* A hashtag, a mention or an identifier: whole, without the sign before it. */
static void
add_sign(Collector *collector, const AgmWord *word)
{
	AgmWord bare = *word;
	bool tag = word->kind != AGM_TOKEN_IDENTIFIER;
	const char *lexeme;
	int index;

	part(collector);
	if (tag)
	{
		/* # and @ are a byte in every server encoding */
		bare.start++;
		bare.len--;
		bare.utf8++;
		bare.utf8_len--;
		bare.kind = AGM_TOKEN_WORD;
	}
	lexeme = lexeme_of(&bare, collector);
	if (lexeme == NULL)
		return;
	index = find_candidate(collector, lexeme, tag ? CANDIDATE_TAG : CANDIDATE_SIGN);
	if (index >= 0)
	{
		Candidate *candidate = &collector->candidates[index];

		candidate->kind = Max(candidate->kind, tag ? CANDIDATE_TAG : CANDIDATE_SIGN);
		count_candidate(collector, index, collector->text + bare.start, bare.len, false, false);
	}
}

/* Is what comes behind the word only the rest of it: didn't, wasn't? */
static bool
is_negation(const AgmWord *word, const AgmWord *next)
{
	return next != NULL && next->gap == AGM_GAP_APOSTROPHE && next->utf8_len == 1 &&
		   (next->utf8[0] | 0x20) == 't' && (word->utf8[word->utf8_len - 1] | 0x20) == 'n';
}

/* A small word within a name? */
static bool
is_link(const Collector *collector, const AgmWord *word, const AgmWord *next)
{
	return !collector->nouns_capital && collector->nrow > 0 && collector->nrow < ROW_MAX - 1 &&
		   collector->row[collector->nrow - 1].lexeme != NULL && next != NULL &&
		   next->gap == AGM_GAP_SPACE && agm_word_is_capital(next) &&
		   (next->kind == AGM_TOKEN_ASCII_WORD || next->kind == AGM_TOKEN_WORD) &&
		   is_one_of(word->utf8, word->utf8_len, name_links, lengthof(name_links));
}

static void
take_word(Collector *collector, const AgmTimedWord *timed)
{
	const AgmWord *word = timed->word;
	const AgmWord *next = timed->next;
	RowWord row;
	bool hyphen = word->gap == AGM_GAP_DASH && word->utf8[-1] == '-' && word->utf8[-2] != ' ';
	bool joined = word->gap == AGM_GAP_SPACE || hyphen;
	unsigned char c = word->utf8[0];

	if (timed->span != NULL)
	{
		part(collector);
		return;
	}
	switch (word->kind)
	{
		case AGM_TOKEN_ASCII_WORD:
		case AGM_TOKEN_WORD:
		case AGM_TOKEN_NUMBER_WORD:
			break;
		case AGM_TOKEN_HASHTAG:
		case AGM_TOKEN_MENTION:
		case AGM_TOKEN_IDENTIFIER:
			add_sign(collector, word);
			return;
		default:
			part(collector);
			return;
	}
	/* 7th, 3pm; the s and ve behind an apostrophe; what stands before n't */
	if ((c >= '0' && c <= '9') || (word->gap == AGM_GAP_APOSTROPHE && word->utf8_len <= 2) ||
		is_negation(word, next))
	{
		part(collector);
		return;
	}

	row.source = collector->text + word->start;
	row.len = word->len;
	row.gap = word->gap;
	if (joined && is_link(collector, word, next))
	{
		row.lexeme = NULL;
		row.begins = row.acronym = false;
		collector->row[collector->nrow++] = row;
		return;
	}
	row.lexeme = timed->only_of_time ? NULL : lexeme_of(word, collector);
	if (row.lexeme == NULL)
	{
		part(collector);
		return;
	}

	row.begins = !joined && word->gap != AGM_GAP_COMMA && word->gap != AGM_GAP_NONE &&
				 word->gap != AGM_GAP_APOSTROPHE;
	row.acronym = is_acronym(word);
	/* "Melanie: hey" says who speaks. */
	if (row.begins && next != NULL && next->gap == AGM_GAP_COLON)
		row.begins = false;
	if (!agm_word_is_capital(word))
	{
		end_row(collector);
		if (!joined && word->gap != AGM_GAP_NONE)
			collector->previous = -1;
		add_word(collector, &row, false);
		return;
	}
	if (collector->nrow > 0 && (!joined || collector->nrow == ROW_MAX))
		end_row(collector);
	if (!joined)
		collector->previous = -1;
	collector->row[collector->nrow++] = row;
}

/*
 * Of names that begin a sentence and occur nowhere else, those whose rest is a name by itself are
 * that name: "Painting Melanie".
 */
static void
settle_names(Collector *collector)
{
	for (int i = 0; i < collector->ncandidates; i++)
	{
		Candidate *name = &collector->candidates[i];
		Candidate *rest;

		if (name->kind != CANDIDATE_NAME || name->others[0] < 0)
			continue;
		rest = &collector->candidates[name->others[0]];
		if (rest->capital > 0 && name->capital == name->count)
		{
			rest->count += name->count;
			rest->capital += name->count;
			name->count = 0;
		}
	}
}

/* README rule 35. */
static double
weigh(const Collector *collector, const Candidate *candidate)
{
	double weight;
	bool capital = candidate->capital * 2 >= candidate->count && candidate->capital > 0;

	switch (candidate->kind)
	{
		case CANDIDATE_NAME:
			weight = 2.2;
			break;
		case CANDIDATE_TAG:
			weight = 1.8;
			break;
		case CANDIDATE_SIGN:
			weight = 1.5;
			break;
		case CANDIDATE_PAIR:
			weight = candidate->count > 1 || candidate->bound ? 1.4 : 0.6;
			break;
		default:
			if (collector->nouns_capital)
				weight = capital || candidate->by_place ? 1.2 : 0.7;
			else
				weight = capital ? 2.0 : 1.0;
			/* Short words are mostly common ones. */
			weight *= 0.7 + 0.03 * Min(strlen(candidate->lexemes), 10);
			break;
	}
	return candidate->count <= 1 ? weight : weight * (1 + log(candidate->count));
}

typedef struct Ranked
{
	double weight;
	int candidate;
} Ranked;

/* The heaviest first, of equal ones that which came first. */
static int
compare_ranked(const void *a, const void *b)
{
	const Ranked *left = a;
	const Ranked *right = b;

	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	return left->candidate - right->candidate;
}

static AgmConcept *
rank(Collector *collector, int max, int *nconcepts)
{
	Ranked *ranked =
		MemoryContextAlloc(collector->context, (collector->ncandidates + 1) * sizeof(Ranked));
	AgmConcept *concepts;
	int nranked = 0;

	for (int i = 0; i < collector->ncandidates; i++)
		ranked[i].weight = weigh(collector, &collector->candidates[i]);

	/* A word that is nowhere but in a pair that recurs is said by the pair. */
	for (int i = 0; i < collector->ncandidates; i++)
	{
		const Candidate *pair = &collector->candidates[i];

		for (int j = 0; pair->kind == CANDIDATE_PAIR && pair->count > 1 && j < 2; j++)
		{
			if (collector->candidates[pair->others[j]].count == pair->count)
				ranked[pair->others[j]].weight =
					Min(ranked[pair->others[j]].weight, ranked[i].weight / 2);
		}
	}
	for (int i = 0; i < collector->ncandidates; i++)
	{
		if (collector->candidates[i].count == 0)
			continue;
		ranked[nranked].weight = ranked[i].weight;
		ranked[nranked++].candidate = i;
	}
	qsort(ranked, nranked, sizeof(Ranked), compare_ranked);

	*nconcepts = Min(nranked, max);
	concepts = palloc(Max(*nconcepts, 1) * sizeof(AgmConcept));
	for (int i = 0; i < *nconcepts; i++)
	{
		const Candidate *candidate = &collector->candidates[ranked[i].candidate];

		concepts[i].concept = pstrdup(candidate->surface);
		concepts[i].lexemes = pstrdup(candidate->lexemes);
		concepts[i].weight = ranked[i].weight / ranked[0].weight;
		concepts[i].count = candidate->count;
	}
	return concepts;
}

AgmConcept *
agm_concepts(const char *language, const char *text, int len, int max, int *nconcepts)
{
	Collector *collector = palloc0(sizeof(Collector));
	Oid config = agm_lexical_config(language, false);
	MemoryContext caller;
	AgmTimeFinder *finder;
	AgmTimedWord timed;
	AgmConcept *concepts;

	collector->context = AllocSetContextCreate(CurrentMemoryContext, "agentmem concepts",
											   ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(collector->context);
	agm_stem_begin(config);
	collector->time = agm_time_language(language);
	collector->english = strcmp(language, "english") == 0;
	collector->nouns_capital = strcmp(language, "german") == 0;
	collector->text = text;
	collector->keys = concept_key_create(collector->context, 128, NULL);
	collector->capacity = 64;
	collector->candidates = palloc(collector->capacity * sizeof(Candidate));
	collector->previous = -1;
	/* Where the phrases are is all that counts here, so any time will do. */
	finder = agm_time_begin(text, len, 0, language);
	while (agm_time_next(finder, &timed))
		take_word(collector, &timed);
	end_row(collector);
	settle_names(collector);
	MemoryContextSwitchTo(caller);

	concepts = rank(collector, max, nconcepts);
	MemoryContextDelete(collector->context);
	pfree(collector);
	return concepts;
}
