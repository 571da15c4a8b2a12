/*
 * time_match.c
 *		Finds time expressions in a text: at each word the longest pattern that fits.
 *
 * A window of words moves over the text, so memory does not depend on its length; a word
 * that no pattern can begin with, as most are, costs a look-up.  README.md, rules 23, 24.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "lexical/icu.h"
#include "lexical/lexical.h"
#include "lexical/time_phrase.h"
#include "lexical/words.h"

/* Words that are looked at together, and how many must be there before one is looked at. */
#define WINDOW 64
#define LOOK_AHEAD 32

/* Longer words are no words of time. */
#define TIME_WORD_MAX 40

/* A pattern within a pattern within a pattern: "since the end of May 2023". */
#define DEPTH_MAX 3

/* A word has two meanings of a language, or five as a number. */
#define MEANINGS_MAX 6

typedef struct TimeWord
{
	AgmWord word;
	uint64 classes;
	bool capital;
	bool number; /* digits only */
	bool only;	 /* of time and nothing else */
	int nmeanings;
	AgmTimeEntry meanings[MEANINGS_MAX];
} TimeWord;

struct AgmTimeFinder
{
	/* set once */
	const AgmTimeLanguage *language;
	const AgmTimePattern *patterns;
	int npatterns;
	AgmTimeNow now;

	/* changes */
	AgmWordReader reader;
	int nwords;
	bool end; /* no more words than those in the window */
	TimeWord words[WINDOW];
	int pos;	  /* the next word to give, in the window */
	int span_end; /* up to this one they are in `span` */
	AgmTimeSpan span;
};

typedef struct AgmTimeFinder Finder;

static void
add_meaning(TimeWord *word, AgmTimeClass class, int value, int high)
{
	AgmTimeEntry *entry = &word->meanings[word->nmeanings++];

	Assert(word->nmeanings <= MEANINGS_MAX);
	memset(entry, 0, sizeof(AgmTimeEntry));
	entry->class = class;
	entry->value = value;
	entry->high = high;
	word->classes |= AGM_TIME_BIT(class);
}

/* The number of the digits that a text begins with, and how many these are; at most nine count. */
static int
leading_number(const char *text, int len, int *ndigits)
{
	int number = 0;

	for (*ndigits = 0; *ndigits < len && *ndigits < 9; (*ndigits)++)
	{
		if (text[*ndigits] < '0' || text[*ndigits] > '9')
			break;
		number = number * 10 + text[*ndigits] - '0';
	}
	return number;
}

/* Is the number at this place one of things or money, negative, or part of something? */
static bool
is_other_number(const Finder *finder, const AgmWord *word)
{
	const char *text = finder->reader.segmenter.text;
	char before;

	if (word->utf8 == text)
		return false;
	before = word->utf8[-1];
	if (before == '-')
		return word->gap != AGM_GAP_DASH || word->utf8 - text < 2 || word->utf8[-2] == ' ';
	return strchr("$#+*=&@^~%", before) != NULL;
}

/* What digits alone can be. */
static void
number_meanings(TimeWord *word, int number, int ndigits)
{
	if (ndigits <= 2 && number >= 1 && number <= 31)
		add_meaning(word, AGM_TIME_DAY, number, 0);
	if (ndigits == 4 && number >= 1000 && number <= 2999)
		add_meaning(word, AGM_TIME_YEAR, number, 0);
	if (ndigits <= 4 && number >= 1)
		add_meaning(word, AGM_TIME_NUM, number, number);
}

/* What digits and letters can be: 7th, 1990s, Q2, W21; 1990er is said in German. */
static void
mixed_meanings(TimeWord *word, const char *folded, int len)
{
	int ndigits;
	int number = leading_number(folded, len, &ndigits);
	const char *rest = folded + ndigits;

	if (ndigits == 4 && number >= 1000 && number < 3000 && number % 10 == 0 &&
		(strcmp(rest, "s") == 0 || strcmp(rest, "er") == 0))
		add_meaning(word, AGM_TIME_DECADE, number, 0);
	else if (ndigits >= 1 && ndigits <= 2 && number >= 1 && number <= 31 &&
			 (strcmp(rest, "st") == 0 || strcmp(rest, "nd") == 0 || strcmp(rest, "rd") == 0 ||
			  strcmp(rest, "th") == 0))
	{
		add_meaning(word, AGM_TIME_DAY, number, 0);
		add_meaning(word, AGM_TIME_NTH, number, 0);
	}
	else if (folded[0] == 'q' && len == 2 && folded[1] >= '1' && folded[1] <= '4')
		add_meaning(word, AGM_TIME_QUARTER, folded[1] - '0', 0);
	else if (folded[0] == 'w' && (len == 2 || len == 3))
	{
		number = leading_number(folded + 1, len - 1, &ndigits);
		if (ndigits == len - 1 && number >= 1 && number <= 53)
			add_meaning(word, AGM_TIME_WEEKNO, number, 0);
	}
}

/* 07.05.2023: a day of a month with full stops, which the segmenter takes for a version. */
static void
dotted_date(TimeWord *word)
{
	const char *text = word->word.utf8;
	int len = word->word.utf8_len;
	int parts[3];
	int digits[3];
	int32 julian;

	for (int i = 0; i < 3; i++)
	{
		parts[i] = leading_number(text, len, &digits[i]);
		if (digits[i] == 0 ||
			(i < 2 && (digits[i] > 2 || digits[i] == len || text[digits[i]] != '.')))
			return;
		text += digits[i] + (i < 2);
		len -= digits[i] + (i < 2);
	}
	if (len == 0 && digits[2] == 4 && parts[2] >= 1000 &&
		agm_time_julian(parts[2], parts[1], parts[0], &julian))
		add_meaning(word, AGM_TIME_DATE, julian, 0);
}

static void
find_meanings(const Finder *finder, TimeWord *word)
{
	char folded[TIME_WORD_MAX + 1];
	const AgmTimeEntry *entries;
	bool ascii = true;
	int len = word->word.utf8_len;
	int n;

	word->classes = 0;
	word->nmeanings = 0;
	word->number = word->word.kind == AGM_TOKEN_INTEGER;
	word->capital = false;
	word->only = false;
	if (len > TIME_WORD_MAX)
		return;
	if (word->word.kind == AGM_TOKEN_VERSION)
	{
		dotted_date(word);
		return;
	}
	if (word->number)
	{
		int number = leading_number(word->word.utf8, len, &n);

		if (n == len && !is_other_number(finder, &word->word))
			number_meanings(word, number, n);
		return;
	}
	if (word->word.kind != AGM_TOKEN_ASCII_WORD && word->word.kind != AGM_TOKEN_WORD &&
		word->word.kind != AGM_TOKEN_NUMBER_WORD)
		return;

	for (int i = 0; i < len && ascii; i++)
	{
		folded[i] = pg_ascii_tolower((unsigned char) word->word.utf8[i]);
		ascii = !IS_HIGHBIT_SET(folded[i]);
	}
	folded[len] = '\0';
	if (!ascii)
	{
		char *whole = agm_icu_fold(word->word.utf8, len, &len);

		if (len <= TIME_WORD_MAX)
			memcpy(folded, whole, len + 1);
		pfree(whole);
		if (len > TIME_WORD_MAX)
			return;
	}
	word->capital = agm_word_is_capital(&word->word);
	if (word->word.kind == AGM_TOKEN_NUMBER_WORD)
	{
		mixed_meanings(word, folded, len);
		return;
	}
	entries = agm_time_lookup(finder->language, folded, &n);
	word->only = agm_time_is_only(entries, n);
	for (int i = 0; i < n && i < MEANINGS_MAX; i++)
	{
		if (entries[i].small && word->capital)
			continue;
		word->meanings[word->nmeanings++] = entries[i];
		word->classes |= AGM_TIME_BIT(entries[i].class);
	}
}

/*
 * Three numbers as 2023-05-07 or 5/7/2023, in the order that DateStyle says: makes one word of
 * the last three.
 */
static void
join_date(Finder *finder)
{
	TimeWord *words = &finder->words[Max(finder->nwords, 3) - 3];
	const char *text = finder->reader.segmenter.text;
	int text_len = finder->reader.segmenter.len;
	int parts[3];
	int digits[3];
	int32 julian;
	int end;
	char mark;
	bool found;

	if (finder->nwords < 3 || !words[0].number || !words[1].number ||
		words[1].word.gap != AGM_GAP_DASH || words[2].word.gap != AGM_GAP_DASH ||
		words[0].word.gap == AGM_GAP_DASH || words[0].classes == 0)
		return;
	for (int i = 0; i < 3; i++)
		parts[i] = leading_number(words[i].word.utf8, words[i].word.utf8_len, &digits[i]);
	mark = words[1].word.utf8[-1];
	if (words[1].word.utf8 != words[0].word.utf8 + digits[0] + 1 ||
		words[2].word.utf8 != words[1].word.utf8 + digits[1] + 1 ||
		words[2].word.utf8[-1] != mark || digits[1] > 2)
		return;
	/* 2023-05-07T10:00 is cut as 07T10. */
	if (!words[2].number &&
		(digits[0] != 4 || digits[2] != 2 || (words[2].word.utf8[2] | 0x20) != 't'))
		return;
	/* A fourth number: no date. */
	end = words[2].word.utf8 + digits[2] - text;
	if (end + 1 < text_len && text[end] == mark && isalnum((unsigned char) text[end + 1]))
		return;

	if (digits[0] == 4 && digits[2] <= 2)
		found = agm_time_julian(parts[0], parts[1], parts[2], &julian) && parts[0] >= 1000;
	else if (digits[2] == 4 && digits[0] <= 2 && parts[2] >= 1000)
	{
		bool day_first = mark == '-' ? DateOrder != DATEORDER_MDY : DateOrder == DATEORDER_DMY;

		found = day_first ? agm_time_julian(parts[2], parts[1], parts[0], &julian)
						  : agm_time_julian(parts[2], parts[0], parts[1], &julian);
		found = found || (day_first ? agm_time_julian(parts[2], parts[0], parts[1], &julian)
									: agm_time_julian(parts[2], parts[1], parts[0], &julian));
	}
	else
		found = false;
	if (!found)
		return;

	words[0].word.len = words[2].word.start + digits[2] - words[0].word.start;
	words[0].word.utf8_len = text + end - words[0].word.utf8;
	words[0].number = false;
	words[0].classes = 0;
	words[0].nmeanings = 0;
	add_meaning(&words[0], AGM_TIME_DATE, julian, 0);
	finder->nwords -= 2;
}

/* A number before a full stop within a sentence is an ordinal: "2. Quartal". */
static void
mark_ordinal(Finder *finder)
{
	TimeWord *before = &finder->words[Max(finder->nwords, 2) - 2];
	TimeWord *word = &finder->words[finder->nwords - 1];

	if (finder->nwords >= 2 && word->word.gap == AGM_GAP_DOT && before->number &&
		(before->classes & AGM_TIME_BIT(AGM_TIME_DAY)) != 0 &&
		(before->classes & AGM_TIME_BIT(AGM_TIME_NTH)) == 0)
		add_meaning(before, AGM_TIME_NTH, before->meanings[0].value, 0);
}

/* Drops `used` words and reads on until the window is full. */
static void
refill(Finder *finder, int used)
{
	finder->nwords -= used;
	memmove(finder->words, finder->words + used, finder->nwords * sizeof(TimeWord));
	while (finder->nwords < WINDOW && !finder->end)
	{
		TimeWord *word = &finder->words[finder->nwords];

		if (!agm_words_next(&finder->reader, &word->word))
		{
			finder->end = true;
			break;
		}
		find_meanings(finder, word);
		finder->nwords++;
		mark_ordinal(finder);
		join_date(finder);
	}
}

/* May the element stand behind the word before it, as far as what is between them tells? */
static bool
gap_allows(const AgmTimeElement *element, const TimeWord *before, const TimeWord *word)
{
	if (element->tight)
		return word->word.gap == AGM_GAP_DASH;
	switch (word->word.gap)
	{
		case AGM_GAP_SPACE:
		case AGM_GAP_LINE:
			return true;
		case AGM_GAP_COMMA:
			return element->comma;
		case AGM_GAP_DASH:
			return element->dash;
		case AGM_GAP_DOT:
			/* 7. Mai, Sept. 2023, Mon. 7 May: no sentence ends like that */
			return before->number ||
				   ((before->classes &
					 (AGM_TIME_BIT(AGM_TIME_MONTH) | AGM_TIME_BIT(AGM_TIME_WDSHORT))) != 0 &&
					before->word.utf8_len <= 5);
		default:
			return false;
	}
}

/* The word's meaning that the element asks for, NULL if it has none. */
static const AgmTimeEntry *
meaning_for(const AgmTimeElement *element, const TimeWord *word)
{
	for (int i = 0; i < word->nmeanings; i++)
	{
		const AgmTimeEntry *entry = &word->meanings[i];

		if ((element->classes & AGM_TIME_BIT(entry->class)) != 0 &&
			(!entry->unsure || element->sure || word->capital))
			return entry;
	}
	return NULL;
}

static void
note(AgmTimeMatch *match, const AgmTimeEntry *entry)
{
	uint64 bit = AGM_TIME_BIT(entry->class);

	if (entry->class == AGM_TIME_DAY && (match->got & bit) != 0)
	{
		match->second_day = entry->value;
		return;
	}
	match->got |= bit;
	match->value[entry->class] = entry->value;
	match->high[entry->class] = entry->high;
}

static int find_at(const Finder *finder, int at, int depth, AgmTimeRange *range);

/*
 * The end of the words from `at` on that the pattern's elements from `next` on fit, 0 if they do
 * not.  *match is what was noted so far, and in the end all of it.
 */
static int
fit(const Finder *finder, const AgmTimePattern *pattern, int next, int at, bool first,
	int depth, AgmTimeMatch *match)
{
	const AgmTimeElement *element = &pattern->elements[next];
	int end;

	if (next == pattern->nelements)
		return at;
	if (at < finder->nwords &&
		(first || gap_allows(element, &finder->words[at - 1], &finder->words[at])))
	{
		AgmTimeMatch tried = *match;

		if (element->classes == AGM_TIME_BIT(AGM_TIME_PERIOD))
		{
			end = find_at(finder, at, depth + 1, &tried.ranges[tried.nranges]);
			if (end > 0)
			{
				tried.nranges++;
				end = fit(finder, pattern, next + 1, end, false, depth, &tried);
			}
		}
		else
		{
			const AgmTimeEntry *entry = meaning_for(element, &finder->words[at]);

			end = 0;
			if (entry != NULL)
			{
				note(&tried, entry);
				end = fit(finder, pattern, next + 1, at + 1, false, depth, &tried);
			}
		}
		if (end > 0)
		{
			*match = tried;
			return end;
		}
	}
	return element->optional ? fit(finder, pattern, next + 1, at, first, depth, match) : 0;
}

/* Can the pattern begin with the word? */
static bool
may_begin(const AgmTimePattern *pattern, uint64 classes)
{
	for (int i = 0; i < pattern->nelements; i++)
	{
		if ((pattern->elements[i].classes & classes) != 0)
			return true;
		if (!pattern->elements[i].optional)
			break;
	}
	return false;
}

/* The end of the longest expression that begins with the word `at`, 0 if there is none. */
static int
find_at(const Finder *finder, int at, int depth, AgmTimeRange *range)
{
	int longest = 0;

	if (depth >= DEPTH_MAX || finder->words[at].classes == 0)
		return 0;
	for (int i = 0; i < finder->npatterns; i++)
	{
		const AgmTimePattern *pattern = &finder->patterns[i];
		AgmTimeMatch match;
		AgmTimeRange said;
		int end;

		if ((pattern->inner && depth == 0) || !may_begin(pattern, finder->words[at].classes))
			continue;
		memset(&match, 0, sizeof(match));
		end = fit(finder, pattern, 0, at, true, depth, &match);
		if (end > longest && agm_time_say(pattern->action, &match, &finder->now, &said))
		{
			longest = end;
			*range = said;
		}
	}
	return longest;
}

/* The words from `first` to `end` mean the range: as instants, if it can be. */
static bool
set_span(Finder *finder, int first, int end, const AgmTimeRange *range)
{
	const AgmWord *last = &finder->words[end - 1].word;
	AgmTimeSpan span = {0};

	if (!agm_time_instants(range, &span.from, &span.to))
		return false;
	if (!range->from_open && !range->to_open && span.from >= span.to)
		return false;
	span.from_open = range->from_open;
	span.to_open = range->to_open;
	span.hard = !range->soft;
	span.start = finder->words[first].word.start;
	span.len = last->start + last->len - span.start;
	finder->span = span;
	return true;
}

AgmTimeFinder *
agm_time_begin(const char *text, int len, TimestampTz at, const char *language)
{
	Finder *finder = palloc(sizeof(Finder));

	finder->language = agm_time_language(language);
	finder->patterns = agm_time_patterns(&finder->npatterns);
	agm_time_now(at, &finder->now);
	agm_words_begin(&finder->reader, text, len);
	finder->nwords = 0;
	finder->end = false;
	finder->pos = 0;
	finder->span_end = 0;
	refill(finder, 0);
	return finder;
}

bool
agm_time_next(AgmTimeFinder *finder, AgmTimedWord *timed)
{
	TimeWord *word;
	AgmTimeRange range;

	if (finder->nwords - finder->pos < LOOK_AHEAD && !finder->end)
	{
		refill(finder, finder->pos);
		finder->span_end -= finder->pos;
		finder->pos = 0;
	}
	if (finder->pos == finder->nwords)
		return false;

	word = &finder->words[finder->pos];
	timed->begins = false;
	if (finder->pos >= finder->span_end && word->classes != 0)
	{
		int end = find_at(finder, finder->pos, 0, &range);

		if (end > 0 && set_span(finder, finder->pos, end, &range))
		{
			finder->span_end = end;
			timed->begins = true;
		}
	}
	timed->word = &word->word;
	timed->next = finder->pos + 1 < finder->nwords ? &word[1].word : NULL;
	timed->span = finder->pos < finder->span_end ? &finder->span : NULL;
	timed->only_of_time = word->only;
	finder->pos++;
	return true;
}

void
agm_time_end(AgmTimeFinder *finder)
{
	if (finder->reader.segmenter.run_ends != NULL)
		pfree(finder->reader.segmenter.run_ends);
	if (finder->reader.segmenter.text != finder->reader.text)
		pfree(unconstify(char *, finder->reader.segmenter.text));
	pfree(finder);
}

AgmTimeSpan *
agm_time_expressions(const char *text, int len, TimestampTz at, const char *language,
					 int *nspans)
{
	AgmTimeFinder *finder = agm_time_begin(text, len, at, language);
	int capacity = 8;
	AgmTimeSpan *spans = palloc(capacity * sizeof(AgmTimeSpan));
	AgmTimedWord timed;

	*nspans = 0;
	while (agm_time_next(finder, &timed))
	{
		if (!timed.begins)
			continue;
		if (*nspans == capacity)
		{
			capacity *= 2;
			spans = repalloc_huge(spans, capacity * sizeof(AgmTimeSpan));
		}
		spans[(*nspans)++] = *timed.span;
	}
	agm_time_end(finder);
	return spans;
}
