/*
 * lexeme.c
 *		From text to lexemes, and what is asked of lexemes: keys and frequencies.
 *
 * PostgreSQL's parsetext does the work, piece by piece, so that memory depends on the
 * distinct words and not on the text; the tsvector is built here, because PostgreSQL's own
 * refuses texts with more words than fit, and a memory must be storable whatever it says.
 * README.md, rules 18 to 21.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "nodes/value.h"
#include "tsearch/ts_utils.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "lexical/encoding.h"
#include "lexical/lexical.h"

/*
 * Text given to parsetext at once: so short that its words are fewer than the positions
 * that a tsvector can count (a blank and a letter each), so long that starting the parser
 * does not show.
 */
#define PARSE_PIECE 32768

/* Longest piece where there is no white space to end it, so that memory stays bounded. */
#define PARSE_PIECE_MAX (8 * PARSE_PIECE)

typedef struct LexemeEntry
{
	AgmTerm term; /* its bytes live in the collector's context */
	uint32 hash;
	char status;
	uint16 npositions;
	uint16 capacity;
	WordEntryPos *positions;
} LexemeEntry;

#define SH_PREFIX lexeme
#define SH_ELEMENT_TYPE LexemeEntry
#define SH_KEY_TYPE AgmTerm
#define SH_KEY term
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).word, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).word, (b).word, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Distinct words met so far. */
typedef struct Collector
{
	/* set once */
	MemoryContext context; /* holds everything below */
	MemoryContext piece;   /* what parsetext leaves behind, reset after each piece */

	/* changes */
	lexeme_hash *words;
	uint32 max_words; /* distinct words that may be noted */
	int bytes;		  /* of the distinct words */
	bool full;		  /* a word was left out: so are all new ones from there on */
	int64 length;	  /* words that the configuration keeps */
	int position;	  /* words before this piece, stop words included */
} Collector;

static void
collector_begin(Collector *collector)
{
	collector->context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem lexemes", ALLOCSET_DEFAULT_SIZES);
	collector->piece = AllocSetContextCreate(collector->context, "agentmem parsed text",
											 ALLOCSET_DEFAULT_SIZES);
	collector->words = lexeme_create(collector->context, 64, NULL);
	collector->max_words = PG_UINT32_MAX;
	collector->bytes = 0;
	collector->full = false;
	collector->length = 0;
	collector->position = 0;
}

/*
 * Notes a position, in ascending order.  As in every tsvector there are at most 255, and
 * all words beyond the last position share it.
 */
static void
add_position(Collector *collector, LexemeEntry *entry, int position)
{
	if (entry->npositions > 0 &&
		(entry->npositions >= MAXNUMPOS - 1 ||
		 WEP_GETPOS(entry->positions[entry->npositions - 1]) == position))
		return;
	if (entry->npositions == entry->capacity)
	{
		Size size;

		entry->capacity = entry->capacity == 0 ? 4 : entry->capacity * 2;
		size = entry->capacity * sizeof(WordEntryPos);
		if (entry->positions == NULL)
			entry->positions = MemoryContextAlloc(collector->context, size);
		else
			entry->positions = repalloc(entry->positions, size);
	}
	/* weight D is zero */
	entry->positions[entry->npositions++] = position;
}

static void
add_word(Collector *collector, const ParsedWord *parsed)
{
	AgmTerm term = {parsed->word, parsed->len};
	LexemeEntry *entry;
	bool found;

	/* A dictionary may return what no tsvector can hold. */
	if (term.len == 0 || term.len >= MAXSTRLEN)
		return;

	if (collector->full || collector->bytes + term.len > AGM_LEXEME_BYTES_MAX ||
		collector->words->members >= collector->max_words)
	{
		entry = lexeme_lookup(collector->words, term);
		if (entry == NULL)
		{
			collector->full = true;
			return;
		}
	}
	else
	{
		entry = lexeme_insert(collector->words, term, &found);
		if (!found)
		{
			char *word = MemoryContextAlloc(collector->context, term.len);

			memcpy(word, term.word, term.len);
			entry->term.word = word;
			entry->npositions = 0;
			entry->capacity = 0;
			entry->positions = NULL;
			collector->bytes += term.len;
		}
	}
	add_position(collector, entry, LIMITPOS(collector->position + parsed->pos.pos));
}

static void
collect_piece(Collector *collector, Oid config, const char *text, int len)
{
	MemoryContext caller = MemoryContextSwitchTo(collector->piece);
	ParsedText parsed;
	int before = 0;

	/* Words of six bytes, blank included; parsetext makes room for more. */
	parsed.lenwords = len / 6 + 2;
	parsed.words = palloc(sizeof(ParsedWord) * parsed.lenwords);
	parsed.curwords = 0;
	parsed.pos = 0;
	parsetext(config, &parsed, unconstify(char *, text), len);

	for (int i = 0; i < parsed.curwords; i++)
	{
		const ParsedWord *word = &parsed.words[i];

		/* Variants of a word share its position; the last position tells nothing. */
		if (word->pos.pos != before || before == MAXENTRYPOS - 1)
			collector->length++;
		before = word->pos.pos;
		add_word(collector, word);
	}
	collector->position = LIMITPOS(collector->position + parsed.pos);

	MemoryContextSwitchTo(caller);
	MemoryContextReset(collector->piece);
}

static inline bool
is_ascii_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * Where the piece at pos ends: at ASCII white space, which no token of ours spans and which
 * is a character in every server encoding; if there is none in reach, between two
 * characters, at the price of one word.
 */
static int
piece_end(const char *text, int len, int pos, int encoding)
{
	int end = Min(len - pos, PARSE_PIECE) + pos;
	int limit = Min(len - pos, PARSE_PIECE_MAX) + pos;

	if (end == len)
		return len;
	while (end > pos && !is_ascii_space(text[end]))
		end--;
	if (end > pos)
		return end;
	end = pos + PARSE_PIECE;
	while (end < limit && !is_ascii_space(text[end]))
		end++;
	if (end == len || is_ascii_space(text[end]))
		return end;
	return pos + pg_encoding_mbcliplen(encoding, text + pos, end - pos, end - pos);
}

static void
collect(Collector *collector, Oid config, const char *text, int len)
{
	int encoding = agm_encoding_of(text, len);
	int end;

	collector->position = 0;
	for (int pos = 0; pos < len; pos = end)
	{
		CHECK_FOR_INTERRUPTS();
		end = piece_end(text, len, pos, encoding);
		collect_piece(collector, config, text + pos, end - pos);
	}
}

static int
compare_terms(const void *a, const void *b)
{
	const AgmTerm *left = &((const LexemeEntry *) a)->term;
	const AgmTerm *right = &((const LexemeEntry *) b)->term;

	return tsCompareString(unconstify(char *, left->word), left->len,
						   unconstify(char *, right->word), right->len, false);
}

/* The entries in a tsvector's order, in the collector's context. */
static LexemeEntry *
sorted_entries(Collector *collector)
{
	LexemeEntry *entries = MemoryContextAlloc(
		collector->context, sizeof(LexemeEntry) * (collector->words->members + 1));
	LexemeEntry *entry;
	lexeme_iterator iterator;
	int n = 0;

	lexeme_start_iterate(collector->words, &iterator);
	while ((entry = lexeme_iterate(collector->words, &iterator)) != NULL)
		entries[n++] = *entry;
	qsort(entries, n, sizeof(LexemeEntry), compare_terms);
	return entries;
}

/* Cannot exceed a tsvector: 64 kB of words, and at most 16383 positions and one a word. */
static TSVector
build_tsvector(const LexemeEntry *entries, int n)
{
	int bytes = 0;
	int offset = 0;
	Size size;
	TSVector result;

	for (int i = 0; i < n; i++)
		bytes = SHORTALIGN(bytes + entries[i].term.len) +
				sizeof(uint16) * (entries[i].npositions + 1);
	if (bytes > MAXSTRPOS)
		elog(ERROR, "lexemes take %d bytes", bytes);

	size = CALCDATASIZE(n, bytes);
	result = palloc0(size);
	SET_VARSIZE(result, size);
	result->size = n;
	for (int i = 0; i < n; i++)
	{
		WordEntry *entry = &ARRPTR(result)[i];
		const LexemeEntry *source = &entries[i];

		entry->haspos = 1;
		entry->len = source->term.len;
		entry->pos = offset;
		memcpy(STRPTR(result) + offset, source->term.word, source->term.len);
		offset = SHORTALIGN(offset + source->term.len);
		*(uint16 *) (STRPTR(result) + offset) = source->npositions;
		offset += sizeof(uint16);
		memcpy(STRPTR(result) + offset, source->positions,
			   source->npositions * sizeof(WordEntryPos));
		offset += source->npositions * sizeof(WordEntryPos);
	}
	return result;
}

TSVector
agm_lexemes_make(Oid config, const char *text, int len, int32 *length)
{
	Collector collector;
	TSVector result;

	collector_begin(&collector);
	collect(&collector, config, text, len);
	if (collector.full)
		ereport(NOTICE,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text has too many distinct words to index them all"),
				 errdetail(
					 "Words that occur only after the first %d bytes of distinct words cannot "
					 "be searched for; the text itself is complete.",
					 AGM_LEXEME_BYTES_MAX)));
	result = build_tsvector(sorted_entries(&collector), collector.words->members);
	*length = Min(collector.length, PG_INT32_MAX);
	MemoryContextDelete(collector.context);
	return result;
}

AgmTerm *
agm_lexical_query(const Oid *configs, int nconfigs, const char *text, int len, int *nterms)
{
	Collector collector;
	LexemeEntry *entries;
	AgmTerm *terms = NULL;
	bool cut = false;

	/* The first words are taken, and each language has its share of the room. */
	collector_begin(&collector);
	for (int i = 0; i < nconfigs; i++)
	{
		collector.full = false;
		collector.max_words = AGM_QUERY_TERMS_MAX * (i + 1) / nconfigs;
		collect(&collector, configs[i], text, len);
		cut |= collector.full;
	}
	*nterms = collector.words->members;
	if (cut)
		ereport(NOTICE, (errmsg("query has too many distinct words to search for them all"),
						 errdetail("The first %d are used.", *nterms),
						 errhint("Ask for less at a time, or search by embedding.")));
	if (*nterms > 0)
	{
		char *words = palloc(collector.bytes);

		terms = palloc(sizeof(AgmTerm) * *nterms);
		entries = sorted_entries(&collector);
		for (int i = 0; i < *nterms; i++)
		{
			terms[i].word = words;
			terms[i].len = entries[i].term.len;
			memcpy(words, entries[i].term.word, terms[i].len);
			words += terms[i].len;
		}
	}
	MemoryContextDelete(collector.context);
	return terms;
}

Oid
agm_lexical_config(const char *language, bool missing_ok)
{
	Oid config = InvalidOid;

	/* Names that are too long would be looked up truncated, and perhaps found. */
	if (strlen(language) < NAMEDATALEN)
		config = get_ts_config_oid(
			list_make2(makeString(pstrdup("agentmem")), makeString(pstrdup(language))), true);
	if (!OidIsValid(config) && !missing_ok)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("language \"%s\" is not supported", language),
						errhint("The languages are the text search configurations of schema "
								"agentmem, such as \"english\" and \"simple\".")));
	return config;
}

int
agm_entry_frequency(const TSVectorData *lexemes, const WordEntry *entry)
{
	return entry->haspos ? POSDATALEN(lexemes, entry) : 1;
}

int
agm_lexeme_frequency(const TSVectorData *lexemes, const AgmTerm *term)
{
	const WordEntry *entries = ARRPTR(lexemes);
	int low = 0;
	int high = lexemes->size;

	while (low < high)
	{
		int middle = low + (high - low) / 2;
		const WordEntry *entry = &entries[middle];
		int order = tsCompareString(unconstify(char *, term->word), term->len,
									STRPTR(lexemes) + entry->pos, entry->len, false);

		if (order == 0)
			return agm_entry_frequency(lexemes, entry);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return 0;
}
