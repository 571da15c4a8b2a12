/*
 * test_lexical.c
 *		The pure parts of src/lexical: classes and folding, segments, BM25.
 *
 * Texts that SQL cannot hold, such as broken UTF-8, and limits on the byte; the rest is
 * tested in sql/lexical_*.sql.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"

#include "lexical/icu.h"
#include "lexical/lexical.h"
#include "lexical/segment.h"

#include "unit.h"

/* The text's tokens but blanks, each as [kind:token]. */
static char *
tokens(const char *text, int len)
{
	AgmSegmenter segmenter;
	AgmToken token;
	StringInfoData result;

	initStringInfo(&result);
	agm_segment_begin(&segmenter, text, len);
	while (agm_segment_next(&segmenter, &token))
	{
		if (token.kind != AGM_TOKEN_BLANK)
			appendStringInfo(&result, "[%d:%.*s]", (int) token.kind, token.len,
							 text + token.start);
	}
	return result.data;
}

/* Tokens follow each other from the first byte to the last, none empty, none too long. */
static bool
is_partition(const char *text, int len)
{
	AgmSegmenter segmenter;
	AgmToken token;
	int pos = 0;

	agm_segment_begin(&segmenter, text, len);
	while (agm_segment_next(&segmenter, &token))
	{
		if (token.start != pos || token.len <= 0 || token.len > AGM_TOKEN_BYTES_MAX ||
			(token.kind == AGM_TOKEN_BLANK && token.len > AGM_BLANK_BYTES_MAX))
			return false;
		pos += token.len;
	}
	return pos == len;
}

static void
check_tokens(const char *text, const char *expected)
{
	char *got = tokens(text, strlen(text));

	UNIT_CHECK(strcmp(got, expected) == 0, "tokens of \"%s\": %s", text, got);
}

static void
check_fold(const char *text, int len, const char *expected)
{
	int folded_len;
	char *folded = agm_icu_fold(text, len, &folded_len);

	UNIT_CHECK(folded_len == (int) strlen(expected) && strcmp(folded, expected) == 0,
			   "fold to \"%s\": \"%s\"", expected, folded);
}

static void
test_segments(void)
{
	check_tokens("", "");
	check_tokens("a", "[1:a]");
	check_tokens("Caroline's", "[1:Caroline][1:s]");
	check_tokens("end.Next", "[1:end][1:Next]");
	check_tokens("foo.bar", "[26:foo.bar]");
	check_tokens("\xC3\xA9t\xC3\xA9 v2", "[2:\xC3\xA9t\xC3\xA9][3:v2]");
	check_tokens("http://", "[1:http]");
	check_tokens("a@b.co.", "[4:a@b.co]");
	/* every connector as the last byte of the text */
	check_tokens("a.", "[1:a]");
	check_tokens("a:", "[1:a]");
	check_tokens("a::", "[1:a]");
	check_tokens("a-", "[1:a]");
	check_tokens("a->", "[1:a]");
	check_tokens("a/", "[1:a]");
	check_tokens("a@", "[1:a]");
	check_tokens("a+", "[1:a]");
	check_tokens("a++", "[26:a++]");
	check_tokens("a#", "[26:a#]");
	check_tokens("1,", "[22:1]");
	check_tokens("#", "");
	check_tokens("@", "");
	check_tokens("~/", "");
	check_tokens("../", "");
	check_tokens("www.", "[1:www]");
	check_tokens("a://", "[1:a]");
}

/* Bytes that are no UTF-8 are not read beyond the end, and not lost. */
static void
test_broken_utf8(void)
{
	static const char *const broken[] = {"\x80",
										 "\xFF",
										 "\xC3",
										 "\xE4\xB8",
										 "\xF0\x9F\x8D",
										 "a\xC3",
										 "\xE4\xB8\x80\xE4",
										 "a.\xC3",
										 "\xC0\x80",
										 "\xED\xA0\x80",
										 "\xF5\x80\x80\x80",
										 "a@\xE4.\xB8",
										 "#\xF0\x9F",
										 "/\xE4/\xB8"};

	for (int i = 0; i < (int) lengthof(broken); i++)
	{
		/* A copy of exactly its bytes, for tools that watch memory. */
		int len = strlen(broken[i]);
		char *text = palloc(len);
		int folded_len;

		memcpy(text, broken[i], len);
		UNIT_CHECK(is_partition(text, len), "broken text %d is cut without loss", i);
		agm_icu_fold(text, len, &folded_len);
		UNIT_CHECK(folded_len > 0, "broken text %d folds", i);
	}
	check_fold("a\xFF", 2, "a\xEF\xBF\xBD");
}

/* All texts of up to four characters that mean something to the segmenter. */
static void
test_all_short_texts(void)
{
	static const char *const parts[] = {"a",
										"B",
										"1",
										".",
										",",
										":",
										"-",
										">",
										"/",
										"@",
										"#",
										"+",
										"_",
										"'",
										"~",
										"w",
										"(",
										")",
										" ",
										"\"",
										"\xC3\xA9",
										"\xE2\x80\x99",
										"\xCC\x81",
										"\xE6\x88\x91",
										"\xE0\xB9\x80",
										"\xF0\x9F\x8D\x95",
										"\xF0\x9F\x87\xA9",
										"\xE2\x80\x8D",
										"\xD7\x90",
										"\xD9\xAC"};
	int nparts = lengthof(parts);
	bool ok = true;

	for (int i = 0; i < nparts * nparts * nparts * nparts; i++)
	{
		char text[20] = "";

		for (int rest = i, n = 0; n < 4; n++, rest /= nparts)
			strcat(text, parts[rest % nparts]);
		if (!is_partition(text, strlen(text)))
			ok = UNIT_CHECK(false, "four parts are cut without loss: \"%s\"", text);
	}
	UNIT_CHECK(ok, "all texts of four parts are cut without loss");
}

/* Runs that are longer than what ICU is given at once, and words around the limit. */
static void
test_limits(void)
{
	for (int bytes = AGM_TOKEN_BYTES_MAX - 1; bytes <= AGM_TOKEN_BYTES_MAX + 1; bytes++)
	{
		char *text = palloc(bytes);
		char *got;

		memset(text, 'x', bytes);
		got = tokens(text, bytes);
		UNIT_CHECK((got[0] != '\0') == (bytes <= AGM_TOKEN_BYTES_MAX),
				   "a word of %d bytes is %s", bytes,
				   bytes <= AGM_TOKEN_BYTES_MAX ? "a token" : "blank");
		UNIT_CHECK(is_partition(text, bytes), "a word of %d bytes is not lost", bytes);
	}
	for (int chars = AGM_ICU_RUN_MAX / 3 - 1; chars <= AGM_ICU_RUN_MAX; chars += 113)
	{
		StringInfoData text;
		AgmSegmenter segmenter;
		AgmToken token;
		bool words = true;

		initStringInfo(&text);
		for (int i = 0; i < chars; i++)
			appendStringInfoString(&text, i % 2 ? "\xE4\xBA\xAC" : "\xE5\x8C\x97");
		agm_segment_begin(&segmenter, text.data, text.len);
		while (agm_segment_next(&segmenter, &token))
			words &= token.kind == AGM_TOKEN_WORD &&
					 token.len == 6 - 3 * (token.start + 3 == text.len);
		UNIT_CHECK(words && is_partition(text.data, text.len), "a run of %d Han characters",
				   chars);
	}
}

static void
test_fold(void)
{
	StringInfoData text;
	int len;
	char *folded;
	bool ok = true;

	check_fold("", 0, "");
	check_fold("ABC-xyz", 7, "abc-xyz");
	check_fold("\xC3\x89", 2, "\xC3\xA9");
	check_fold("E\xCC\x81", 3, "\xC3\xA9");
	check_fold("Stra\xC3\x9F"
			   "e",
			   7, "strasse");
	check_fold("\xC4\xB0", 2, "i");
	check_fold("I\xCC\x87\xCC\x81", 5, "\xC3\xAD");
	check_fold("\xE2\x80\x99\xCA\xBC", 5, "''");
	check_fold("\xC2\xAD\xE2\x80\x8D", 5, "");

	/* Marks around every border of a piece: the fold of a text does not depend on its length. */
	for (int ascii = 900; ascii < 1200; ascii++)
	{
		initStringInfo(&text);
		appendStringInfoString(&text, "\xC3\x84");
		for (int i = 0; i < ascii; i++)
			appendStringInfoString(&text, i % 2 ? "\xC3\x84" : "\xE1\x84\x80");
		appendStringInfoString(&text, "E\xCC\xA3\xCC\x81Z");
		folded = agm_icu_fold(text.data, text.len, &len);
		ok &= len > 6 && strcmp(folded + len - 6, "\xE1\xBA\xB9\xCC\x81z") == 0;
	}
	UNIT_CHECK(ok, "folding in pieces");

	/* No boundary in reach: still all of it, and no loop without end. */
	initStringInfo(&text);
	appendStringInfoChar(&text, 'A');
	for (int i = 0; i < 5000; i++)
		appendStringInfoString(&text, "\xCC\xA3");
	folded = agm_icu_fold(text.data, text.len, &len);
	UNIT_CHECK(len == 3 + 4999 * 2 && memcmp(folded, "\xE1\xBA\xA1\xCC\xA3", 5) == 0,
			   "folding a letter with 5000 marks");
}

/* No row of a class is worth more than its bounds say. */
static void
test_key_classes(void)
{
	bool seen[AGM_KEY_CLASSES] = {false};
	int wrong = 0;
	int missing = 0;

	for (int32 frequency = 1; frequency <= 255; frequency++)
		for (int32 length = 0; length <= 600; length++)
			for (int mean = 1; mean <= 1000; mean *= 10)
			{
				int class = agm_key_class(frequency, length);
				int32 most;
				int32 shortest;

				agm_key_class_bounds(class, &most, &shortest);
				wrong += agm_bm25_term(1, frequency, length, mean) >
						 agm_bm25_term(1, Min(most, 255), shortest, mean);
				seen[class] = true;
			}
	for (int i = 0; i < AGM_KEY_CLASSES; i++)
		missing += !seen[i];
	UNIT_CHECK(wrong == 0, "a score is beyond the bound of its class");
	UNIT_CHECK(missing == 0, "a class has no row");
	UNIT_CHECK(agm_key_class(PG_INT32_MAX, PG_INT32_MAX) == AGM_KEY_CLASSES - 1,
			   "the longest row");
	UNIT_CHECK((agm_lexeme_key("n", 1, "word", 4) & AGM_KEY_CLASS_MASK) == 0,
			   "a key has room for a class");
}

static void
test_bm25(void)
{
	double idf = agm_bm25_idf(100, 10);

	UNIT_CHECK(fabs(idf - log(1 + 90.5 / 10.5)) < 1e-12, "idf of 10 in 100");
	UNIT_CHECK(agm_bm25_idf(10, 10) > 0, "a word that is everywhere weighs more than nothing");
	UNIT_CHECK(agm_bm25_idf(5, 10) == agm_bm25_idf(10, 10),
			   "more texts with a word than texts");
	UNIT_CHECK(agm_bm25_idf(0, 0) > 0, "idf of nothing");
	UNIT_CHECK(fabs(agm_bm25_term(1, 1, 10, 10) - 1) < 1e-12,
			   "one word of a text of mean length");
	UNIT_CHECK(agm_bm25_term(1, 0, 10, 10) == 0, "a word that is not there");
	UNIT_CHECK(agm_bm25_term(1, 1, 10, 0) == agm_bm25_term(1, 1, 10, 10), "no mean length");
	UNIT_CHECK(agm_bm25_term(1, 2, 10, 10) > agm_bm25_term(1, 1, 10, 10), "more often is more");
	UNIT_CHECK(agm_bm25_term(1, 1e9, 10, 10) < 2.2, "but never more than k1 + 1");
	UNIT_CHECK(agm_bm25_term(1, 1, 20, 10) < agm_bm25_term(1, 1, 10, 10),
			   "long texts count less");
}

void
agm_unit_lexical(void)
{
	test_segments();
	test_broken_utf8();
	test_all_short_texts();
	test_limits();
	test_fold();
	test_bm25();
	test_key_classes();
}
