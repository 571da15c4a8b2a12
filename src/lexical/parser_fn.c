/*
 * parser_fn.c
 *		The text search parser agentmem.icu and the filtering dictionary template
 *		agentmem.icu_fold, as PostgreSQL calls them.
 *
 * Segmentation is segment.c's business.  This file keeps the promise that every token is a
 * slice of the text it was given, whatever its encoding: nothing is lost in a headline, and
 * no token costs memory.  README.md, rules 14 and 17.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "tsearch/ts_public.h"
#include "tsearch/ts_type.h"
#include "utils/memutils.h"

#include "lexical/encoding.h"
#include "lexical/lexical.h"
#include "lexical/segment.h"

typedef struct IcuParser
{
	/* set once */
	char *text; /* in the encoding that agm_encoding_of() found */
	int len;
	int encoding;

	/* changes */
	int pos;	   /* what segmenter.pos is in the text, but for ... */
	int blank_end; /* ... what lies before this and is given as blanks, piece by piece */
	AgmSegmenter segmenter;
} IcuParser;

PG_FUNCTION_INFO_V1(agm_fn_icu_start);
PG_FUNCTION_INFO_V1(agm_fn_icu_nexttoken);
PG_FUNCTION_INFO_V1(agm_fn_icu_end);
PG_FUNCTION_INFO_V1(agm_fn_icu_lextypes);
PG_FUNCTION_INFO_V1(agm_fn_icu_fold_lexize);

/* icu_start(internal, integer) returns internal */
Datum
agm_fn_icu_start(PG_FUNCTION_ARGS)
{
	IcuParser *parser = palloc(sizeof(IcuParser));
	const char *utf8;
	int utf8_len;

	parser->text = (char *) PG_GETARG_POINTER(0);
	parser->len = PG_GETARG_INT32(1);
	parser->encoding = agm_encoding_of(parser->text, parser->len);
	parser->pos = 0;
	parser->blank_end = 0;
	utf8 = agm_encoding_shadow(parser->text, parser->len, parser->encoding, &utf8_len);
	agm_segment_begin(&parser->segmenter, utf8, utf8_len);
	PG_RETURN_POINTER(parser);
}

/* The next piece of what is given as blanks: whole characters, short enough for any caller. */
static int
blank_length(const IcuParser *parser)
{
	int end = parser->pos;

	while (end < parser->blank_end && end - parser->pos < AGM_BLANK_BYTES_MAX)
		end += pg_encoding_mblen(parser->encoding, parser->text + end);
	return Min(end, parser->blank_end) - parser->pos;
}

/* icu_nexttoken(internal, internal, internal) returns internal */
Datum
agm_fn_icu_nexttoken(PG_FUNCTION_ARGS)
{
	IcuParser *parser = (IcuParser *) PG_GETARG_POINTER(0);
	char **start = (char **) PG_GETARG_POINTER(1);
	int *len = (int *) PG_GETARG_POINTER(2);
	AgmToken token = {.kind = AGM_TOKEN_BLANK};

	*start = parser->text + parser->pos;
	if (parser->pos >= parser->blank_end)
	{
		if (!agm_segment_next(&parser->segmenter, &token))
			PG_RETURN_INT32(0);
		*len = agm_encoding_advance(*start, parser->len - parser->pos, parser->encoding,
									parser->segmenter.text + token.start, token.len);
		/* README rule 13, where a character takes more bytes than in UTF-8. */
		if (*len >= MAXSTRLEN)
			parser->blank_end = parser->pos + *len;
	}
	if (parser->pos < parser->blank_end)
	{
		token.kind = AGM_TOKEN_BLANK;
		*len = blank_length(parser);
	}
	parser->pos += *len;
	PG_RETURN_INT32(token.kind);
}

/* icu_end(internal) returns void */
Datum
agm_fn_icu_end(PG_FUNCTION_ARGS)
{
	IcuParser *parser = (IcuParser *) PG_GETARG_POINTER(0);

	if (parser->segmenter.run_ends != NULL)
		pfree(parser->segmenter.run_ends);
	if (parser->segmenter.text != parser->text)
		pfree(unconstify(char *, parser->segmenter.text));
	pfree(parser);
	PG_RETURN_VOID();
}

/* icu_lextypes(internal) returns internal */
Datum
agm_fn_icu_lextypes(PG_FUNCTION_ARGS)
{
	static const LexDescr kinds[] = {
		{AGM_TOKEN_ASCII_WORD, "asciiword", "Word, all ASCII"},
		{AGM_TOKEN_WORD, "word", "Word, all letters"},
		{AGM_TOKEN_NUMBER_WORD, "numword", "Word, letters and digits"},
		{AGM_TOKEN_EMAIL, "email", "Email address"},
		{AGM_TOKEN_VERSION, "version", "Version number"},
		{AGM_TOKEN_BLANK, "blank", "Space symbols"},
		{AGM_TOKEN_FLOAT, "float", "Decimal notation"},
		{AGM_TOKEN_INTEGER, "uint", "Unsigned integer"},
		{AGM_TOKEN_HASHTAG, "hashtag", "Hashtag"},
		{AGM_TOKEN_MENTION, "mention", "Mention of a name with @"},
		{AGM_TOKEN_IDENTIFIER, "identifier", "Identifier, file name or path"},
		{AGM_TOKEN_URL, "url", "URL"},
		{AGM_TOKEN_EMOJI, "emoji", "Emoji"},
	};
	LexDescr *result = palloc0(sizeof(LexDescr) * (lengthof(kinds) + 1));

	(void) fcinfo;

	/* The caller may free what it is given; the entry that is all zero ends the list. */
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		result[i].lexid = kinds[i].lexid;
		result[i].alias = pstrdup(kinds[i].alias);
		result[i].descr = pstrdup(kinds[i].descr);
	}
	PG_RETURN_POINTER(result);
}

/* Is the word what folding would make of it?  Only ASCII is looked at. */
static bool
is_folded_ascii(const char *word, int len)
{
	for (int i = 0; i < len; i++)
	{
		if (IS_HIGHBIT_SET(word[i]) || (word[i] >= 'A' && word[i] <= 'Z'))
			return false;
	}
	return true;
}

/*
 * icu_fold_lexize(internal, internal, internal, internal) returns internal
 *
 * Arguments: the dictionary's data (none), the word, its length, the state of a dictionary
 * of several words (unused).
 */
Datum
agm_fn_icu_fold_lexize(PG_FUNCTION_ARGS)
{
	char *word = (char *) PG_GETARG_POINTER(1);
	int len = PG_GETARG_INT32(2);
	TSLexeme *result;
	char *folded;
	int folded_len;

	/* NULL passes the word on as it is: cheaper than a copy, and true of most words. */
	if (is_folded_ascii(word, len))
		PG_RETURN_POINTER(NULL);

	folded = agm_lexical_fold_server(word, len, &folded_len);

	/* One character may fold to eighteen; a tsvector would cut the length of such a word. */
	if (folded_len >= MAXSTRLEN)
	{
		folded = pnstrdup(word, len);
		folded_len = len;
	}

	/*
	 * Nothing but invisible characters is a stop word: no lexeme at all.  A stemmer converts to
	 * UTF-8: what has no Unicode is not given to it.
	 */
	result = palloc0(sizeof(TSLexeme) * 2);
	if (folded_len > 0)
	{
		result->flags = agm_encoding_has_unicode(folded, folded_len) ? TSL_FILTER : 0;
		result->lexeme = folded;
	}
	PG_RETURN_POINTER(result);
}
