/*
 * icu.c
 *		The only file that includes ICU's headers.
 *
 * Decides how characters are classed, how words are found where a script writes no blanks,
 * and how text is folded.  What it opens in ICU is opened once and kept as long as the
 * backend lives; between two calls nothing of a caller's text is remembered, so parsers may
 * nest.  A failure inside ICU is an ereport; there is nothing to clean up after one.
 */
#include "postgres.h"

#include <unicode/ubrk.h>
#include <unicode/ucasemap.h>
#include <unicode/uchar.h>
#include <unicode/udat.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "lexical/icu.h"

/*
 * Text is folded in pieces of at most this many bytes, cut where Unicode guarantees that
 * the halves do not act on each other: any length in linear time, interruptible, and the
 * UTF-16 that ICU's C interface wants stays on the stack.
 */
#define FOLD_PIECE 1024

/* A piece ends at the first ASCII character behind this many bytes: a call costs 0.2 µs. */
#define FOLD_PIECE_MIN 64

/*
 * Bytes of an encoding that has no Unicode for them stand at U+10FF00 + byte
 * (encoding.c); they may be letters, so that is what they are.
 */
#define UNMAPPED_FIRST 0x10FF00
#define UNMAPPED_LAST 0x10FFFF

/* Classes of the basic plane, filled as characters are met: four ICU look-ups less. */
static uint8 class_cache[0x10000];

static UBreakIterator *word_iterator = NULL;
static UText word_text = UTEXT_INITIALIZER;
static UBreakIterator *sentence_iterator = NULL;
static char sentence_locale[ULOC_FULLNAME_CAPACITY]; /* of sentence_iterator */
static UText sentence_text = UTEXT_INITIALIZER;
static const UNormalizer2 *fold_normalizer = NULL;
static UCaseMap *lower_map = NULL;

static void
check_icu(UErrorCode status, const char *what)
{
	if (likely(U_SUCCESS(status)))
		return;
	ereport(ERROR,
			(errcode(status == U_MEMORY_ALLOCATION_ERROR ? ERRCODE_OUT_OF_MEMORY
														 : ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("could not %s: %s", what, u_errorName(status))));
}

/*
 * README rule 3.  The cases before the switch are where a token means something else than
 * UAX 29's word, or where the class of UAX 29 is not enough.
 */
static AgmCharClass
classify(UChar32 c)
{
	int category = U_GET_GC_MASK(c);
	UErrorCode status = U_ZERO_ERROR;
	UScriptCode script = uscript_getScript(c, &status);

	check_icu(status, "look up the script of a character");

	switch (c)
	{
		case 0x02BC:
		case 0x2019:
			return AGM_CHAR_APOSTROPHE;
		case 0xFE13: /* colons: a single colon parts words */
		case 0xFE55:
		case 0xFF1A:
			return AGM_CHAR_OTHER;
		case 0xFFFD:
			return AGM_CHAR_LETTER;
		default:
			break;
	}

	if (u_isUWhiteSpace(c))
		return AGM_CHAR_SPACE;
	if (c >= UNMAPPED_FIRST && c <= UNMAPPED_LAST)
		return AGM_CHAR_LETTER;
	if ((category & U_GC_ND_MASK) != 0)
		return AGM_CHAR_DIGIT;

	if ((category & (U_GC_L_MASK | U_GC_M_MASK | U_GC_NL_MASK)) != 0 &&
		(script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ||
		 u_getIntPropertyValue(c, UCHAR_WORD_BREAK) == U_WB_KATAKANA ||
		 u_getIntPropertyValue(c, UCHAR_LINE_BREAK) == U_LB_COMPLEX_CONTEXT))
		return AGM_CHAR_DICTIONARY;

	switch (u_getIntPropertyValue(c, UCHAR_WORD_BREAK))
	{
		case U_WB_ALETTER:
			return script == USCRIPT_LATIN ? AGM_CHAR_LATIN : AGM_CHAR_LETTER;
		case U_WB_HEBREW_LETTER:
			return AGM_CHAR_HEBREW;
		case U_WB_NUMERIC:
			return AGM_CHAR_DIGIT;
		case U_WB_EXTEND:
		case U_WB_FORMAT:
		case U_WB_ZWJ:
			return AGM_CHAR_MARK;
		case U_WB_EXTENDNUMLET:
			return AGM_CHAR_JOINER;
		case U_WB_MIDLETTER:
			return AGM_CHAR_WITHIN_WORD;
		case U_WB_MIDNUM:
			return AGM_CHAR_WITHIN_NUMBER;
		case U_WB_REGIONAL_INDICATOR:
			return AGM_CHAR_FLAG;
		default:
			break;
	}

	/* The pictographs before the watch are signs of text: (c), (r), (tm), arrows. */
	if (c >= 0x231A && u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC))
		return AGM_CHAR_PICTOGRAPH;
	if ((category & U_GC_L_MASK) != 0)
		return AGM_CHAR_LETTER;
	return AGM_CHAR_OTHER;
}

AgmCharClass
agm_icu_class(const char *text, int len, int pos, int *next)
{
	UChar32 c;

	U8_NEXT_OR_FFFD(text, pos, len, c);
	*next = pos;
	if (c >= (UChar32) lengthof(class_cache))
		return classify(c);
	if (unlikely(class_cache[c] == AGM_CHAR_UNKNOWN))
		class_cache[c] = classify(c);
	return class_cache[c];
}

bool
agm_icu_is_upper(const char *text, int len, int pos)
{
	UChar32 c;

	U8_NEXT_OR_FFFD(text, pos, len, c);
	return u_isupper(c);
}

bool
agm_icu_is_lower(const char *text, int len, int pos)
{
	UChar32 c;

	U8_NEXT_OR_FFFD(text, pos, len, c);
	return u_islower(c);
}

int
agm_icu_space(const char *text, int len, int pos)
{
	int start = pos;
	UChar32 c;

	U8_NEXT_OR_FFFD(text, pos, len, c);
	return u_isUWhiteSpace(c) ? pos - start : 0;
}

int
agm_icu_words(const char *text, int len, uint16 *ends)
{
	UErrorCode status = U_ZERO_ERROR;
	int nwords = 0;
	int32 end;

	Assert(len > 0 && len <= AGM_ICU_RUN_MAX);

	/* The root locale: segmentation must not depend on who asks. */
	if (word_iterator == NULL)
	{
		UBreakIterator *iterator = ubrk_open(UBRK_WORD, "", NULL, 0, &status);

		check_icu(status, "open ICU's word iterator");
		word_iterator = iterator;
	}

	utext_openUTF8(&word_text, text, len, &status);
	check_icu(status, "open text for ICU");
	ubrk_setUText(word_iterator, &word_text, &status);
	check_icu(status, "set the text of ICU's word iterator");

	while ((end = ubrk_next(word_iterator)) != UBRK_DONE)
		ends[nwords++] = end;

	/* ICU always reports the end of the text; segment.c relies on it to get ahead. */
	if (nwords == 0 || ends[nwords - 1] != len)
		elog(ERROR, "ICU's word iterator stopped before the end of the text");
	return nwords;
}

/* The iterator of the locale asked for last is kept: texts come language by language. */
static void
open_sentences(const char *locale)
{
	UErrorCode status = U_ZERO_ERROR;
	UBreakIterator *iterator;

	if (sentence_iterator != NULL && strcmp(sentence_locale, locale) == 0)
		return;
	iterator = ubrk_open(UBRK_SENTENCE, locale, NULL, 0, &status);
	check_icu(status, "open ICU's sentence iterator");
	if (sentence_iterator != NULL)
		ubrk_close(sentence_iterator);
	sentence_iterator = iterator;
	strlcpy(sentence_locale, locale, sizeof(sentence_locale));
}

int
agm_icu_sentences(const char *text, int len, const char *locale, int *ends)
{
	UErrorCode status = U_ZERO_ERROR;
	int n = 0;
	int32 end;

	open_sentences(locale);
	utext_openUTF8(&sentence_text, text, len, &status);
	check_icu(status, "open text for ICU");
	ubrk_setUText(sentence_iterator, &sentence_text, &status);
	check_icu(status, "set the text of ICU's sentence iterator");
	while ((end = ubrk_next(sentence_iterator)) != UBRK_DONE)
		if (end > (n == 0 ? 0 : ends[n - 1]))
			ends[n++] = end;
	if (n == 0 || ends[n - 1] != len)
		ends[n++] = len;
	return n;
}

/*
 * Where a piece of text that starts at pos may end: before an ASCII character, as these
 * are never changed by what precedes them; if there is none in reach, before a character
 * of which Unicode says the same; else just between two characters.
 */
static int
fold_piece_end(const char *text, int len, int pos)
{
	int limit = Min(len - pos, FOLD_PIECE) + pos;
	int end = Min(len - pos, FOLD_PIECE_MIN) + pos;

	while (end < limit && IS_HIGHBIT_SET(text[end]))
		end++;
	if (end == len || !IS_HIGHBIT_SET(text[end]))
		return end;

	while (end > pos)
	{
		int next;
		UChar32 c;

		U8_BACK_1((const uint8_t *) text, pos, end);
		next = end;
		U8_NEXT_OR_FFFD(text, next, len, c);
		if (unorm2_hasBoundaryBefore(fold_normalizer, c))
			break;
	}
	if (end == pos)
	{
		end = limit;
		U8_SET_CP_START((const uint8_t *) text, pos, end);
	}
	return end;
}

/*
 * NFKC_Casefold.  The result is written to `target` if it has room, else palloc'd.
 */
static UChar *
normalize(const UChar *source, int32 nsource, UChar *target, int32 capacity, int32 *ntarget)
{
	UErrorCode status = U_ZERO_ERROR;

	*ntarget = unorm2_normalize(fold_normalizer, source, nsource, target, capacity, &status);
	if (status == U_BUFFER_OVERFLOW_ERROR)
	{
		capacity = *ntarget;
		status = U_ZERO_ERROR;
		target = palloc(capacity * sizeof(UChar));
		*ntarget =
			unorm2_normalize(fold_normalizer, source, nsource, target, capacity, &status);
	}
	check_icu(status, "normalize text");
	return target;
}

/* Drops the dots above an i, in place; returns the new length. */
static int32
undot_i(UChar *chars, int32 nchars)
{
	int32 kept = 0;

	for (int32 i = 0; i < nchars; i++)
	{
		if (chars[i] != 0x0307 || kept == 0 || chars[kept - 1] != 'i')
			chars[kept++] = chars[i];
	}
	return kept;
}

/* README rules 1 and 2 for one piece of text. */
static void
append_folded(StringInfo folded, const char *text, int len)
{
	UChar source[FOLD_PIECE];
	UChar once[FOLD_PIECE * 2];
	UChar twice[FOLD_PIECE * 2];
	UChar *target;
	UErrorCode status = U_ZERO_ERROR;
	int32 nchars;
	int32 ndotted;
	int32 nbytes;

	u_strFromUTF8WithSub(source, lengthof(source), &nchars, text, len, 0xFFFD, NULL, &status);
	check_icu(status, "convert text to UTF-16");
	target = normalize(source, nchars, once, lengthof(once), &ndotted);

	/* Without its dot the i may compose with what followed it: folding twice is folding once. */
	nchars = undot_i(target, ndotted);
	if (nchars < ndotted)
		target = normalize(target, nchars, twice, lengthof(twice), &nchars);

	for (int32 i = 0; i < nchars; i++)
	{
		if (target[i] == 0x2019 || target[i] == 0x02BC)
			target[i] = '\'';
	}

	/* A UTF-16 unit is at most three bytes of UTF-8. */
	enlargeStringInfo(folded, nchars * 3);
	u_strToUTF8(folded->data + folded->len, nchars * 3, &nbytes, target, nchars, &status);
	check_icu(status, "convert text from UTF-16");
	folded->len += nbytes;
	folded->data[folded->len] = '\0';
}

char *
agm_icu_fold(const char *text, int len, int *folded_len)
{
	StringInfoData folded;
	int pos = 0;

	if (fold_normalizer == NULL)
	{
		UErrorCode status = U_ZERO_ERROR;
		const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&status);

		check_icu(status, "load ICU's NFKC case folding");
		fold_normalizer = normalizer;
	}

	/* Not initStringInfo: its kilobyte would be most of the memory of a text's words. */
	folded.maxlen = len + len / 2 + 16;
	folded.data = palloc(folded.maxlen);
	folded.len = 0;
	folded.cursor = 0;
	while (pos < len)
	{
		int end = pos;

		/* ASCII needs no ICU. */
		while (end < len && !IS_HIGHBIT_SET(text[end]))
		{
			folded.data[folded.len + end - pos] = pg_ascii_tolower((unsigned char) text[end]);
			end++;
		}
		if (end < len && end > pos)
			end--; /* a mark may follow it: it is folded with the piece */
		folded.len += end - pos;
		pos = end;
		if (pos == len)
			break;

		CHECK_FOR_INTERRUPTS();
		end = fold_piece_end(text, len, pos);
		append_folded(&folded, text + pos, end - pos);
		pos = end;
		enlargeStringInfo(&folded, len - pos);
	}
	folded.data[folded.len] = '\0';
	*folded_len = folded.len;
	return folded.data;
}

char *
agm_icu_lower(const char *text, int len, int *lower_len)
{
	UErrorCode status = U_ZERO_ERROR;
	/* No character's lower case takes more than one and a half times its bytes. */
	int capacity = Min((Size) len * 2 + 1, MaxAllocSize);
	char *lower = palloc(capacity);

	if (lower_map == NULL)
	{
		UCaseMap *map = ucasemap_open("", 0, &status);

		check_icu(status, "open ICU's case mapping");
		lower_map = map;
	}
	*lower_len = ucasemap_utf8ToLower(lower_map, lower, capacity, text, len, &status);
	check_icu(status, "lower-case text");
	return lower;
}

void
agm_icu_calendar_names(const char *locale, AgmNameCallback note, void *context)
{
	static const struct
	{
		UDateFormatSymbolType type;
		AgmNameKind kind;
		int first; /* the index of January, or of Sunday */
	} lists[] = {
		{UDAT_MONTHS, AGM_NAME_MONTH, 0},
		{UDAT_STANDALONE_MONTHS, AGM_NAME_MONTH, 0},
		{UDAT_SHORT_MONTHS, AGM_NAME_MONTH_SHORT, 0},
		{UDAT_STANDALONE_SHORT_MONTHS, AGM_NAME_MONTH_SHORT, 0},
		{UDAT_WEEKDAYS, AGM_NAME_WEEKDAY, 1},
		{UDAT_STANDALONE_WEEKDAYS, AGM_NAME_WEEKDAY, 1},
		{UDAT_SHORT_WEEKDAYS, AGM_NAME_WEEKDAY_SHORT, 1},
		{UDAT_STANDALONE_SHORT_WEEKDAYS, AGM_NAME_WEEKDAY_SHORT, 1},
	};
	static const UChar gmt[] = {'G', 'M', 'T'};
	UErrorCode status = U_ZERO_ERROR;
	UDateFormat *format = udat_open(UDAT_NONE, UDAT_LONG, locale, gmt, 3, NULL, 0, &status);

	for (int i = 0; i < (int) lengthof(lists) && U_SUCCESS(status); i++)
	{
		bool month = lists[i].kind <= AGM_NAME_MONTH_SHORT;

		for (int number = 1; number <= (month ? 12 : 7); number++)
		{
			/* ICU counts weekdays from Sunday. */
			int index = lists[i].first + (month ? number - 1 : number % 7);
			UChar name[64];
			char utf8[lengthof(name) * 3];
			int32 nname =
				udat_getSymbols(format, lists[i].type, index, name, lengthof(name), &status);
			int32 len;

			u_strToUTF8(utf8, sizeof(utf8), &len, name, nname, &status);
			if (U_FAILURE(status))
				break;
			note(context, lists[i].kind, number, utf8, len);
		}
	}
	if (format != NULL)
		udat_close(format);
	check_icu(status, "read the names of a calendar");
}
