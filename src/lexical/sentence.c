/*
 * sentence.c
 *		The sentences of a text, by ICU's rules for its language.
 *
 * README, 38.  A text is read in pieces, so that one of any length can be cancelled.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "lexical/encoding.h"
#include "lexical/icu.h"
#include "lexical/lexical.h"
#include "lexical/time_phrase.h"

/* Bytes that ICU reads at once: the longest sentence. */
#define PIECE 65536

/* Sentences so far, in bytes of the UTF-8 that is read. */
typedef struct Sentences
{
	AgmSentence *items;
	int n;
	int capacity;
} Sentences;

/*
 * The name of ICU's rules for a language.  Those of English know abbreviations; those of others are
 * found at the end of longer words too ("r." in German), and so would join sentences.
 */
static const char *
rules_of(const char *language)
{
	const char *locale = agm_language_locale(language);

	return strcmp(locale, "en") == 0 ? "en@ss=standard" : locale;
}

/* Where the characters of a piece end: not within one, and not between two that line up a word. */
static int
piece_end(const char *text, int len, int pos)
{
	int end = Min(len - pos, PIECE) + pos;
	int space = end;

	if (end == len)
		return len;
	while (space > end - PIECE / 2 && text[space] != ' ' && text[space] != '\n')
		space--;
	if (text[space] == ' ' || text[space] == '\n')
		return space;
	while ((text[end] & 0xC0) == 0x80 && end > pos + 1)
		end--;
	return end;
}

/* The bytes without the white space around them. */
static AgmSentence
trim(const char *text, int start, int end)
{
	AgmSentence sentence = {start, 0};
	int pos = start;

	while (pos < end)
	{
		int space = agm_icu_space(text, end, pos);

		if (space > 0)
			pos += space;
		else
		{
			if (sentence.len == 0)
				sentence.start = pos;
			do
				pos++;
			while (pos < end && (text[pos] & 0xC0) == 0x80);
			sentence.len = pos - sentence.start;
		}
	}
	return sentence;
}

/*
 * Does what begins at `next` go on with the sentence before it?  A line that was wrapped does: ICU
 * ends a sentence with every line.
 */
static bool
goes_on(const char *text, int len, const AgmSentence *before, int next)
{
	int end = before->start + before->len;
	int lines = 0;

	if (strchr(".!?", text[end - 1]) != NULL)
		return false;
	for (int i = end; i < next; i++)
		lines += text[i] == '\n';
	return lines == 1 && agm_icu_is_lower(text, len, next);
}

static void
add(Sentences *sentences, const char *text, int len, AgmSentence sentence)
{
	AgmSentence *last = sentences->items + sentences->n - 1;

	if (sentence.len == 0)
		return;
	if (sentences->n > 0 && goes_on(text, len, last, sentence.start))
	{
		last->len = sentence.start + sentence.len - last->start;
		return;
	}
	if (sentences->n == sentences->capacity)
	{
		sentences->capacity *= 2;
		sentences->items =
			repalloc_huge(sentences->items, sizeof(AgmSentence) * (Size) sentences->capacity);
	}
	sentences->items[sentences->n++] = sentence;
}

static void
collect(Sentences *sentences, const char *text, int len, const char *rules, int max)
{
	int *ends = palloc(sizeof(int) * (Min(len, PIECE) + 1));
	int pos = 0;

	/* One more than are wanted: the last may go on. */
	while (pos < len && sentences->n <= max)
	{
		int end = piece_end(text, len, pos);
		int n = agm_icu_sentences(text + pos, end - pos, rules, ends);
		int start = pos;

		CHECK_FOR_INTERRUPTS();
		/* The last one of a piece is read again with what follows. */
		if (end < len && n > 1)
			n--;
		for (int i = 0; i < n; i++)
		{
			add(sentences, text, len, trim(text, start, pos + ends[i]));
			start = pos + ends[i];
		}
		pos = start;
	}
	pfree(ends);
}

/* From bytes of the shadow to bytes of the text. */
static void
map_to_text(Sentences *sentences, const char *text, int len, int encoding, const char *shadow)
{
	int from = 0;
	int to = 0;

	for (int i = 0; i < sentences->n; i++)
	{
		AgmSentence *sentence = &sentences->items[i];
		int start = sentence->start;
		int bytes = sentence->len;

		to += agm_encoding_advance(text + to, len - to, encoding, shadow + from, start - from);
		sentence->start = to;
		sentence->len =
			agm_encoding_advance(text + to, len - to, encoding, shadow + start, bytes);
		to += sentence->len;
		from = start + bytes;
	}
}

AgmSentence *
agm_sentences(const char *language, const char *text, int len, int max, int *nsentences)
{
	Sentences sentences = {.capacity = 16};
	int encoding = agm_encoding_of(text, len);
	int shadow_len;
	const char *shadow = agm_encoding_shadow(text, len, encoding, &shadow_len);

	sentences.items = palloc(sizeof(AgmSentence) * sentences.capacity);
	collect(&sentences, shadow, shadow_len, rules_of(language), max);
	sentences.n = Min(sentences.n, max);
	map_to_text(&sentences, text, len, encoding, shadow);
	*nsentences = sentences.n;
	return sentences.items;
}
