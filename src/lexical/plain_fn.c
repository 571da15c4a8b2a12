/*
 * plain_fn.c
 *		plain_words(): what a text says, word by word, for comparing it with another.
 *
 * In C because a script of an extension is ASCII where a database's encoding is not UTF8, and
 * quotation marks are not.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "lexical/encoding.h"
#include "lexical/lexical.h"

PG_FUNCTION_INFO_V1(agm_fn_plain_words);

/* The side of a word that a mark may stand at; some stand at either. */
#define MARK_BEFORE 1
#define MARK_AFTER 2

typedef struct PlainMark
{
	const char *utf8;
	int sides;
} PlainMark;

/* Folding has made those of full width ASCII. */
static const PlainMark plain_marks[] = {
	{".", MARK_AFTER},
	{",", MARK_AFTER},
	{";", MARK_AFTER},
	{":", MARK_AFTER},
	{"!", MARK_AFTER},
	{"?", MARK_AFTER},
	{"\"", MARK_BEFORE | MARK_AFTER},
	{"'", MARK_BEFORE | MARK_AFTER},
	{"(", MARK_BEFORE},
	{")", MARK_AFTER},
	{"[", MARK_BEFORE},
	{"]", MARK_AFTER},
	{"{", MARK_BEFORE},
	{"}", MARK_AFTER},
	{"\xe2\x80\x9c", MARK_BEFORE | MARK_AFTER}, /* U+201C, left double quotation mark */
	{"\xe2\x80\x9d", MARK_AFTER},				/* U+201D, right double quotation mark */
	{"\xe2\x80\x9e", MARK_BEFORE},				/* U+201E, low double quotation mark */
	{"\xe2\x80\x98", MARK_BEFORE | MARK_AFTER}, /* U+2018, left single quotation mark */
	{"\xe2\x80\x99", MARK_AFTER},				/* U+2019, right single quotation mark */
	{"\xe2\x80\x9a", MARK_BEFORE},				/* U+201A, low single quotation mark */
	{"\xc2\xab", MARK_BEFORE | MARK_AFTER},		/* U+00AB, left guillemet */
	{"\xc2\xbb", MARK_BEFORE | MARK_AFTER},		/* U+00BB, right guillemet */
	{"\xe2\x80\xb9", MARK_BEFORE | MARK_AFTER}, /* U+2039, left single guillemet */
	{"\xe2\x80\xba", MARK_BEFORE | MARK_AFTER}, /* U+203A, right single guillemet */
	{"\xc2\xa1", MARK_BEFORE},					/* U+00A1, inverted exclamation mark */
	{"\xc2\xbf", MARK_BEFORE},					/* U+00BF, inverted question mark */
	{"\xe3\x80\x81", MARK_AFTER},				/* U+3001, ideographic comma */
	{"\xe3\x80\x82", MARK_AFTER},				/* U+3002, ideographic full stop */
	{"\xe3\x80\x8c", MARK_BEFORE},				/* U+300C, left corner bracket */
	{"\xe3\x80\x8d", MARK_AFTER},				/* U+300D, right corner bracket */
	{"\xe3\x80\x8e", MARK_BEFORE},				/* U+300E, left white corner bracket */
	{"\xe3\x80\x8f", MARK_AFTER},				/* U+300F, right white corner bracket */
};

/* An article is one only in its language; la, le, lo are pronouns too. */
static const char *const plain_articles[][2] = {
	{"english", "the"}, {"german", "der"}, {"german", "die"},
	{"german", "das"},	{"german", "dem"}, {"german", "den"},
	{"german", "des"},	{"spanish", "el"}, {"italian", "il"}};

/* The mark that a character is, NULL if none. */
static const PlainMark *
plain_mark(const char *utf8, int len)
{
	for (int i = 0; i < (int) lengthof(plain_marks); i++)
	{
		if ((int) strlen(plain_marks[i].utf8) == len &&
			memcmp(plain_marks[i].utf8, utf8, len) == 0)
			return &plain_marks[i];
	}
	return NULL;
}

static bool
plain_is_article(const char *language, const char *utf8, int len)
{
	for (int i = 0; i < (int) lengthof(plain_articles); i++)
	{
		if (strcmp(plain_articles[i][0], language) == 0 &&
			(int) strlen(plain_articles[i][1]) == len &&
			memcmp(plain_articles[i][1], utf8, len) == 0)
			return true;
	}
	return false;
}

/* Does the mark, behind a digit, belong to it?  5" is a length. */
static bool
plain_is_unit(const char *utf8, int len)
{
	return (len == 1 && (*utf8 == '"' || *utf8 == '\'')) ||
		   (len == 3 &&
			(memcmp(utf8, "\xe2\x80\x9d", 3) == 0 || memcmp(utf8, "\xe2\x80\x99", 3) == 0));
}

/*
 * Takes the punctuation around a token off: what is left begins at *from and ends before *to,
 * nothing of a mark alone.  Several marks are a sign, such as :), and stay.
 */
static void
plain_trim(const char *token, int len, int *from, int *to)
{
	int nchars = 0;
	int nmarks = 0;
	bool unit = false;
	bool leading = true;

	*from = 0;
	*to = 0;
	for (int pos = 0; pos < len;)
	{
		int step = Min(pg_utf_mblen((const unsigned char *) token + pos), len - pos);
		const PlainMark *mark = plain_mark(token + pos, step);

		nchars++;
		if (mark != NULL)
			nmarks++;
		if (mark != NULL && pos > 0 && isdigit((unsigned char) token[pos - 1]) &&
			plain_is_unit(token + pos, step))
			unit = true;

		leading = leading && mark != NULL && (mark->sides & MARK_BEFORE) != 0;
		pos += step;
		if (leading)
			*from = pos;
		if (mark == NULL || (mark->sides & MARK_AFTER) == 0)
			*to = pos;
	}
	if (nchars == 1 && nmarks == 1)
		*from = *to = 0;
	else if (unit || nmarks == nchars)
	{
		*from = 0;
		*to = len;
	}
}

/* plain_words(language text, content text) returns text[] */
Datum
agm_fn_plain_words(PG_FUNCTION_ARGS)
{
	char *language = text_to_cstring(PG_GETARG_TEXT_PP(0));
	text *content = PG_GETARG_TEXT_PP(1);
	ArrayBuildState *words = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	int folded_len;
	char *folded =
		agm_lexical_fold_server(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), &folded_len);
	int encoding = agm_encoding_of(folded, folded_len);
	int utf8_len;
	const char *utf8 = agm_encoding_shadow(folded, folded_len, encoding, &utf8_len);
	int pos = 0; /* in the text, of what `at` is in its shadow */
	text *article = NULL;

	for (int at = 0; at < utf8_len;)
	{
		const char *blank = memchr(utf8 + at, ' ', utf8_len - at);
		int len = blank != NULL ? (int) (blank - (utf8 + at)) : utf8_len - at;
		int before;
		int from;
		int to;

		CHECK_FOR_INTERRUPTS();
		plain_trim(utf8 + at, len, &from, &to);
		pos += agm_encoding_advance(folded + pos, folded_len - pos, encoding, utf8 + at, from);
		before = pos;
		pos += agm_encoding_advance(folded + pos, folded_len - pos, encoding, utf8 + at + from,
									to - from);
		if (to > from)
		{
			text *word = cstring_to_text_with_len(folded + before, pos - before);

			/* An article goes before a word; the last word is none. */
			article = plain_is_article(language, utf8 + at + from, to - from) ? word : NULL;
			if (article == NULL)
				accumArrayResult(words, PointerGetDatum(word), false, TEXTOID,
								 CurrentMemoryContext);
		}
		len += blank != NULL ? 1 : 0;
		pos += agm_encoding_advance(folded + pos, folded_len - pos, encoding, utf8 + at + to,
									len - to);
		at += len;
	}
	if (article != NULL)
		accumArrayResult(words, PointerGetDatum(article), false, TEXTOID, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(words, CurrentMemoryContext));
}
