/*
 * time_language.c
 *		The words that time is spoken of with, and the patterns that they make.
 *
 * All of it is data: a language is one table of words here, and the names of months and
 * weekdays, which ICU has.  The patterns are shared: a language lacks the words of those
 * that are not its own.  README.md, rules 23 to 30.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "lexical/icu.h"
#include "lexical/time_phrase.h"

/* Words of a class, parted by blanks; "x*" stands for x with each ending of a German adjective. */
typedef struct WordList
{
	AgmTimeClass class;
	int32 value;
	int32 high;
	const char *words;
} WordList;

static const WordList english_words[] = {
	{AGM_TIME_FIXED, -1, 0, "yesterday"},
	{AGM_TIME_FIXED, 0, 0, "today"},
	{AGM_TIME_FIXED, 1, 0, "tomorrow"},
	{AGM_TIME_FIXED, 0, AGM_PART_NIGHT, "tonight"},
	{AGM_TIME_PART, AGM_PART_MORNING, 0, "morning"},
	{AGM_TIME_PART, AGM_PART_AFTERNOON, 0, "afternoon"},
	{AGM_TIME_PART, AGM_PART_EVENING, 0, "evening"},
	{AGM_TIME_PART, AGM_PART_NIGHT, 0, "night"},
	{AGM_TIME_UNIT, AGM_UNIT_MINUTE, 0, "minute minutes"},
	{AGM_TIME_UNIT, AGM_UNIT_HOUR, 0, "hour hours"},
	{AGM_TIME_UNIT, AGM_UNIT_DAY, 0, "day days"},
	{AGM_TIME_UNIT, AGM_UNIT_WEEK, 0, "week weeks"},
	{AGM_TIME_UNIT, AGM_UNIT_WEEKEND, 0, "weekend weekends"},
	{AGM_TIME_UNIT, AGM_UNIT_MONTH, 0, "month months"},
	{AGM_TIME_UNIT, AGM_UNIT_QUARTER, 0, "quarter quarters"},
	{AGM_TIME_UNIT, AGM_UNIT_YEAR, 0, "year years"},
	{AGM_TIME_UNIT, AGM_UNIT_DECADE, 0, "decade decades"},
	{AGM_TIME_SEASON, 3, 0, "spring"},
	{AGM_TIME_SEASON, 6, 0, "summer"},
	{AGM_TIME_SEASON, 9, 0, "autumn fall"},
	{AGM_TIME_SEASON, 12, 0, "winter"},
	{AGM_TIME_MONTH, 9, 0, "sept"},
	{AGM_TIME_NUM, 1, 1, "a an one"},
	{AGM_TIME_NUM, 2, 2, "two"},
	{AGM_TIME_NUM, 3, 3, "three"},
	{AGM_TIME_NUM, 4, 4, "four"},
	{AGM_TIME_NUM, 5, 5, "five"},
	{AGM_TIME_NUM, 6, 6, "six"},
	{AGM_TIME_NUM, 7, 7, "seven"},
	{AGM_TIME_NUM, 8, 8, "eight"},
	{AGM_TIME_NUM, 9, 9, "nine"},
	{AGM_TIME_NUM, 10, 10, "ten"},
	{AGM_TIME_NUM, 11, 11, "eleven"},
	{AGM_TIME_NUM, 12, 12, "twelve"},
	{AGM_TIME_NUM, 2, 3, "couple"},
	{AGM_TIME_NUM, 2, 5, "few some"},
	{AGM_TIME_NUM, 3, 7, "several"},
	{AGM_TIME_NTH, 1, 0, "first"},
	{AGM_TIME_NTH, 2, 0, "second"},
	{AGM_TIME_NTH, 3, 0, "third"},
	{AGM_TIME_NTH, 4, 0, "fourth"},
	{AGM_TIME_NTH, 5, 0, "fifth"},
	{AGM_TIME_EDGE, 0, 0, "early beginning start"},
	{AGM_TIME_EDGE, 1, 0, "mid middle"},
	{AGM_TIME_EDGE, 2, 0, "late end"},
	{AGM_TIME_VAGUE, 30, 1, "recently lately"},
	{AGM_TIME_VAGUE, 90, 1, "nowadays"},
	{AGM_TIME_LAST, 0, 0, "last previous"},
	{AGM_TIME_PAST, 0, 0, "past"},
	{AGM_TIME_THIS, 0, 0, "this current"},
	{AGM_TIME_NEXT, 0, 0, "next coming upcoming"},
	{AGM_TIME_OTHER, 0, 0, "other"},
	{AGM_TIME_THESE, 0, 0, "these"},
	{AGM_TIME_AGO, 0, 0, "ago"},
	{AGM_TIME_IN, 0, 0, "in during throughout within over"},
	{AGM_TIME_ON, 0, 0, "on at"},
	{AGM_TIME_THE, 0, 0, "the"},
	{AGM_TIME_OF, 0, 0, "of"},
	{AGM_TIME_SINCE, 0, 0, "since"},
	{AGM_TIME_BEFORE, 0, 0, "before"},
	{AGM_TIME_AFTER, 0, 0, "after"},
	{AGM_TIME_UNTIL, 0, 0, "until till"},
	{AGM_TIME_BETWEEN, 0, 0, "between"},
	{AGM_TIME_AND, 0, 0, "and"},
	{AGM_TIME_FROM, 0, 0, "from"},
	{AGM_TIME_TO, 0, 0, "to until till through"},
	{AGM_TIME_AROUND, 0, 0, "around circa"},
	{AGM_TIME_NOW, 0, 0, "now"},
	{0, 0, 0, NULL}};

static const WordList german_words[] = {
	{AGM_TIME_FIXED, -2, 0, "vorgestern"},
	{AGM_TIME_FIXED, -1, 0, "gestern"},
	{AGM_TIME_FIXED, 0, 0, "heute"},
	{AGM_TIME_FIXED, 1, 0, "morgen"},
	{AGM_TIME_FIXED, 2, 0, "übermorgen"},
	{AGM_TIME_PART, AGM_PART_MORNING, 0, "morgen vormittag früh"},
	{AGM_TIME_PART, AGM_PART_AFTERNOON, 0, "nachmittag mittag"},
	{AGM_TIME_PART, AGM_PART_EVENING, 0, "abend"},
	{AGM_TIME_PART, AGM_PART_NIGHT, 0, "nacht"},
	{AGM_TIME_UNIT, AGM_UNIT_MINUTE, 0, "minute minuten"},
	{AGM_TIME_UNIT, AGM_UNIT_HOUR, 0, "stunde stunden"},
	{AGM_TIME_UNIT, AGM_UNIT_DAY, 0, "tag tage tagen tages"},
	{AGM_TIME_UNIT, AGM_UNIT_WEEK, 0, "woche wochen kw kalenderwoche"},
	{AGM_TIME_UNIT, AGM_UNIT_WEEKEND, 0, "wochenende wochenenden wochenendes"},
	{AGM_TIME_UNIT, AGM_UNIT_MONTH, 0, "monat monate monaten monats"},
	{AGM_TIME_UNIT, AGM_UNIT_QUARTER, 0, "quartal quartale quartalen quartals"},
	{AGM_TIME_UNIT, AGM_UNIT_YEAR, 0, "jahr jahre jahren jahres"},
	{AGM_TIME_UNIT, AGM_UNIT_DECADE, 0, "jahrzehnt jahrzehnte jahrzehnten jahrzehnts"},
	{AGM_TIME_SEASON, 3, 0, "frühling frühjahr"},
	{AGM_TIME_SEASON, 6, 0, "sommer"},
	{AGM_TIME_SEASON, 9, 0, "herbst"},
	{AGM_TIME_SEASON, 12, 0, "winter"},
	{AGM_TIME_NUM, 1, 1, "ein eine einem einer einen"},
	{AGM_TIME_NUM, 2, 2, "zwei"},
	{AGM_TIME_NUM, 3, 3, "drei"},
	{AGM_TIME_NUM, 4, 4, "vier"},
	{AGM_TIME_NUM, 5, 5, "fünf"},
	{AGM_TIME_NUM, 6, 6, "sechs"},
	{AGM_TIME_NUM, 7, 7, "sieben"},
	{AGM_TIME_NUM, 8, 8, "acht"},
	{AGM_TIME_NUM, 9, 9, "neun"},
	{AGM_TIME_NUM, 10, 10, "zehn"},
	{AGM_TIME_NUM, 11, 11, "elf"},
	{AGM_TIME_NUM, 12, 12, "zwölf"},
	{AGM_TIME_NUM, 2, 5, "paar wenigen einigen einige"},
	{AGM_TIME_NUM, 3, 7, "mehreren mehrere"},
	{AGM_TIME_NTH, 1, 0, "erst*"},
	{AGM_TIME_NTH, 2, 0, "zweit*"},
	{AGM_TIME_NTH, 3, 0, "dritt*"},
	{AGM_TIME_NTH, 4, 0, "viert*"},
	{AGM_TIME_NTH, 5, 0, "fünft*"},
	{AGM_TIME_EDGE, 0, 0, "anfang beginn"},
	{AGM_TIME_EDGE, 1, 0, "mitte"},
	{AGM_TIME_EDGE, 2, 0, "ende"},
	{AGM_TIME_VAGUE, 30, 1, "kürzlich neulich letztens unlängst"},
	{AGM_TIME_VAGUE, 90, 1, "heutzutage"},
	{AGM_TIME_LAST, 0, 0, "letzt* vorig* vergangen*"},
	{AGM_TIME_PAST, 0, 0, "vergangen*"},
	{AGM_TIME_THIS, 0, 0, "diese dieses diesem diesen dieser"},
	{AGM_TIME_NEXT, 0, 0, "nächst* kommend*"},
	{AGM_TIME_AGO, 0, 0, "her"},
	{AGM_TIME_AGO_BEFORE, 0, 0, "vor"},
	{AGM_TIME_IN, 0, 0, "in im während innerhalb"},
	{AGM_TIME_ON, 0, 0, "am an"},
	{AGM_TIME_THE, 0, 0, "der die das dem den des"},
	{AGM_TIME_OF, 0, 0, "von vom des der"},
	{AGM_TIME_SINCE, 0, 0, "seit ab"},
	{AGM_TIME_BEFORE, 0, 0, "vor"},
	{AGM_TIME_AFTER, 0, 0, "nach"},
	{AGM_TIME_UNTIL, 0, 0, "bis"},
	{AGM_TIME_BETWEEN, 0, 0, "zwischen"},
	{AGM_TIME_AND, 0, 0, "und"},
	{AGM_TIME_FROM, 0, 0, "von vom"},
	{AGM_TIME_TO, 0, 0, "bis zum"},
	{AGM_TIME_AROUND, 0, 0, "um gegen etwa"},
	{0, 0, 0, NULL}};

/*
 * Languages, with ICU's name of them.  One without words has the names of months and
 * weekdays, so that dates are found.  `unsure` are words that mean something else too, all
 * short names of months being so; `small` those that are of time only without a capital.
 */
static const struct
{
	const char *name;
	const char *locale;
	const WordList *words;
	const char *unsure;
	const char *small;
} languages[] = {
	{"english", "en", english_words, "may march august fall", ""},
	{"german", "de", german_words, "", "morgen"},
	{"arabic", "ar@calendar=gregorian;numbers=latn", NULL, "", ""},
	{"armenian", "hy", NULL, "", ""},
	{"basque", "eu", NULL, "", ""},
	{"catalan", "ca", NULL, "", ""},
	{"danish", "da", NULL, "", ""},
	{"dutch", "nl", NULL, "", ""},
	{"estonian", "et", NULL, "", ""},
	{"finnish", "fi", NULL, "", ""},
	{"french", "fr", NULL, "", ""},
	{"greek", "el", NULL, "", ""},
	{"hindi", "hi", NULL, "", ""},
	{"hungarian", "hu", NULL, "", ""},
	{"indonesian", "id", NULL, "", ""},
	{"irish", "ga", NULL, "", ""},
	{"italian", "it", NULL, "", ""},
	{"lithuanian", "lt", NULL, "", ""},
	{"nepali", "ne", NULL, "", ""},
	{"norwegian", "nb", NULL, "", ""},
	{"polish", "pl", NULL, "", ""},
	{"portuguese", "pt", NULL, "", ""},
	{"romanian", "ro", NULL, "", ""},
	{"russian", "ru", NULL, "", ""},
	{"serbian", "sr", NULL, "", ""},
	{"spanish", "es", NULL, "", ""},
	{"swedish", "sv", NULL, "", ""},
	{"tamil", "ta", NULL, "", ""},
	{"turkish", "tr", NULL, "", ""},
	{"yiddish", "yi", NULL, "", ""},
};

/* What patterns call the classes; in the enumeration's order. */
static const char *const class_names[AGM_TIME_CLASSES] = {
	"date",	  "day",	 "nth",	   "num",	 "year", "month",  "wday",	 "wdshort",
	"season", "quarter", "weekno", "decade", "unit", "fixed",  "part",	 "edge",
	"vague",  "last",	 "past",   "this",	 "next", "other",  "these",	 "ago",
	"vor",	  "in",		 "on",	   "the",	 "of",	 "since",  "before", "after",
	"until",  "between", "and",	   "from",	 "to",	 "around", "now",	 "P"};

/*
 * Patterns.  Elements are parted by blanks: the names of classes, `/` between those that are
 * equally good, `?` behind what may be missing.  Before an element
 *	`,` says that a comma may precede it, `-` that a dash may, `=` that a dash must;
 *	`!` that a word is of time here even if it could be another ("may", "march").
 */
static const struct
{
	const char *elements;
	AgmTimeAction action;
	bool inner;
} pattern_table[] = {
	{"date", AGM_SAY_DATE, false},
	{"wday/wdshort? ,the? ,day of? -!month ,-year", AGM_SAY_DAY, false},
	{"wday/wdshort? ,the? ,nth of? !month ,year", AGM_SAY_DAY, false},
	{"wday/wdshort? ,!month day/nth ,year", AGM_SAY_DAY, false},
	{"wday/wdshort? ,the? ,day month", AGM_SAY_DAY, false},
	{"wday/wdshort? ,the? ,day/nth of !month", AGM_SAY_DAY, false},
	{"wday/wdshort? ,month day", AGM_SAY_DAY, false},
	{"wday/wdshort? ,!month nth", AGM_SAY_DAY, false},
	{"day =day of? !month ,year", AGM_SAY_DAYS, false},
	{"day =day of? month", AGM_SAY_DAYS, false},
	{"!month day =day ,year", AGM_SAY_DAYS, false},
	{"month day =day", AGM_SAY_DAYS, false},
	{"day to day of? month ,year?", AGM_SAY_DAYS, false},
	{"between/from the? day and/to the? day of? !month ,year?", AGM_SAY_DAYS, false},
	{"month of? ,year", AGM_SAY_MONTH, false},
	{"!month of year", AGM_SAY_MONTH, false},
	{"!month ,year", AGM_SAY_MONTH, true},
	{"month of? last/this/next unit", AGM_SAY_MONTH_OF, false},
	{"!month of? last/this/next unit", AGM_SAY_MONTH_OF, true},
	{"last/this/next !month", AGM_SAY_MONTH, false},
	{"!month", AGM_SAY_MONTH, true},
	{"unit year", AGM_SAY_YEAR, false},
	{"year", AGM_SAY_YEAR, true},
	{"decade", AGM_SAY_DECADE, false},
	{"season of? ,year", AGM_SAY_SEASON, false},
	{"!season of? ,year", AGM_SAY_SEASON, true},
	{"last/this/next !season", AGM_SAY_SEASON, false},
	{"!season", AGM_SAY_SEASON, true},
	{"quarter of? -year", AGM_SAY_QUARTER, false},
	{"year -quarter", AGM_SAY_QUARTER, false},
	{"nth unit of? year", AGM_SAY_QUARTER, false},
	{"unit num of? -year", AGM_SAY_WEEK, false},
	{"quarter", AGM_SAY_QUARTER, true},
	{"year =weekno", AGM_SAY_WEEK, false},
	{"last/past/this/next wday part?", AGM_SAY_WEEKDAY, false},
	{"wday part?", AGM_SAY_WEEKDAY, true},
	{"unit", AGM_SAY_WEEKEND, true},
	{"last/this/next unit", AGM_SAY_UNIT, false},
	{"last/this part", AGM_SAY_PART, false},
	{"fixed part?", AGM_SAY_FIXED, false},
	{"num num? of? unit ago", AGM_SAY_AGO, false},
	{"vor num num? unit", AGM_SAY_AGO, false},
	{"in num num? of? unit", AGM_SAY_IN, false},
	{"num num? of? unit from now", AGM_SAY_IN, false},
	{"last num num? of? unit", AGM_SAY_LAST, false},
	{"past num? num? of? unit", AGM_SAY_LAST, false},
	{"next num num? unit", AGM_SAY_NEXT, false},
	{"vague", AGM_SAY_VAGUE, false},
	{"the other unit", AGM_SAY_OTHER_DAY, false},
	{"these unit", AGM_SAY_THESE_DAYS, false},
	{"in/on the? P", AGM_SAY_SAME, false},
	{"around the? P", AGM_SAY_AROUND, false},
	{"edge of? the? -P", AGM_SAY_EDGE, false},
	{"edge of? the unit", AGM_SAY_EDGE, false},
	{"since the? P", AGM_SAY_SINCE, false},
	{"before the? P", AGM_SAY_BEFORE, false},
	{"after the? P", AGM_SAY_AFTER, false},
	{"until the? P", AGM_SAY_UNTIL, false},
	{"between the? P and the? P", AGM_SAY_BETWEEN, false},
	{"from the? P to the? P", AGM_SAY_BETWEEN, false},
	{"the? last? unit/wday before/after the? P", AGM_SAY_BESIDE, false},
	{"num num? of? unit before/after the? P", AGM_SAY_APART, false},
	{"the? nth/last unit/wday of/in? the? P", AGM_SAY_NTH, false},
	{"the? unit of the? P", AGM_SAY_AROUND_UNIT, false},
};

static AgmTimePattern patterns[lengthof(pattern_table)];
static bool patterns_ready = false;
static AgmTimeLanguage loaded[lengthof(languages)];

static uint64
class_bit(const char *name, int len)
{
	for (int i = 0; i < AGM_TIME_CLASSES; i++)
	{
		if ((int) strlen(class_names[i]) == len && memcmp(class_names[i], name, len) == 0)
			return AGM_TIME_BIT(i);
	}
	elog(ERROR, "no words are called \"%.*s\"", len, name);
	return 0;
}

/* Reads the element at *text and moves that behind it. */
static void
read_element(const char **text, AgmTimeElement *element)
{
	const char *c = *text;

	memset(element, 0, sizeof(AgmTimeElement));
	for (;; c++)
	{
		element->comma |= *c == ',';
		element->dash |= *c == '-' || *c == '=';
		element->tight |= *c == '=';
		element->sure |= *c == '!';
		if (strchr(",-=!", *c) == NULL)
			break;
	}
	for (;;)
	{
		int len = strcspn(c, " /?");

		element->classes |= class_bit(c, len);
		c += len;
		if (*c != '/')
			break;
		c++;
	}
	if (*c == '?')
	{
		element->optional = true;
		c++;
	}
	while (*c == ' ')
		c++;
	*text = c;
}

const AgmTimePattern *
agm_time_patterns(int *npatterns)
{
	for (int i = 0; !patterns_ready && i < (int) lengthof(patterns); i++)
	{
		AgmTimePattern *pattern = &patterns[i];
		const char *text = pattern_table[i].elements;

		pattern->nelements = 0;
		while (*text != '\0')
		{
			if (pattern->nelements == AGM_TIME_ELEMENTS_MAX)
				elog(ERROR, "pattern \"%s\" is too long", pattern_table[i].elements);
			read_element(&text, &pattern->elements[pattern->nelements++]);
		}
		pattern->action = pattern_table[i].action;
		pattern->inner = pattern_table[i].inner;
	}
	patterns_ready = true;
	*npatterns = lengthof(patterns);
	return patterns;
}

/* A language while it is loaded, in a context of its own. */
typedef struct Loader
{
	MemoryContext context;
	int nentries;
	int capacity;
	AgmTimeEntry *entries;
	const char *unsure;
	const char *small;
} Loader;

/* Is the word among those, parted by blanks? */
static bool
is_listed(const char *word, int len, const char *list)
{
	while (*list != '\0')
	{
		int listed = strcspn(list, " ");

		if (listed == len && memcmp(word, list, len) == 0)
			return true;
		list += listed;
		while (*list == ' ')
			list++;
	}
	return false;
}

static void
add_entry(Loader *loader, AgmTimeClass class, int value, int high, const char *word, int len,
		  bool unsure)
{
	AgmTimeEntry *entry;
	char *copy;

	if (loader->nentries == loader->capacity)
	{
		loader->capacity *= 2;
		loader->entries = repalloc(loader->entries, loader->capacity * sizeof(AgmTimeEntry));
	}
	copy = MemoryContextAlloc(loader->context, len + 1);
	memcpy(copy, word, len);
	copy[len] = '\0';
	entry = &loader->entries[loader->nentries++];
	entry->word = copy;
	entry->class = class;
	entry->value = value;
	entry->high = high;
	entry->unsure = unsure || is_listed(word, len, loader->unsure);
	entry->small = class == AGM_TIME_FIXED && is_listed(word, len, loader->small);
}

/* A name from ICU: folded, without the full stop of an abbreviation; only if it is one word. */
static void
add_name(void *context, AgmNameKind kind, int number, const char *name, int len)
{
	Loader *loader = context;
	bool is_short = kind == AGM_NAME_MONTH_SHORT || kind == AGM_NAME_WEEKDAY_SHORT;
	AgmTimeClass class = kind == AGM_NAME_MONTH || kind == AGM_NAME_MONTH_SHORT
							 ? AGM_TIME_MONTH
							 : (is_short ? AGM_TIME_WDSHORT : AGM_TIME_WDAY);
	char *folded = agm_icu_fold(name, len, &len);

	if (len > 0 && folded[len - 1] == '.')
		len--;
	if (len < 2 || memchr(folded, ' ', len) != NULL || memchr(folded, '-', len) != NULL ||
		memchr(folded, '.', len) != NULL)
		return;
	for (int i = 0; i < loader->nentries; i++)
	{
		const AgmTimeEntry *entry = &loader->entries[i];

		/* "May" is no abbreviation; names for dates and names alone are mostly the same. */
		if ((entry->class == class || entry->class == AGM_TIME_MONTH ||
			 entry->class == AGM_TIME_WDAY) &&
			(int) strlen(entry->word) == len && memcmp(entry->word, folded, len) == 0)
			return;
	}
	add_entry(loader, class, number, 0, folded, len, is_short);
}

static void
add_list(Loader *loader, const WordList *list)
{
	static const char *const endings[] = {"e", "en", "er", "es", "em"};
	const char *word = list->words;

	while (*word != '\0')
	{
		int len = strcspn(word, " ");

		if (word[len - 1] == '*')
		{
			for (int i = 0; i < (int) lengthof(endings); i++)
			{
				char *whole = psprintf("%.*s%s", len - 1, word, endings[i]);

				add_entry(loader, list->class, list->value, list->high, whole, strlen(whole),
						  false);
			}
		}
		else
			add_entry(loader, list->class, list->value, list->high, word, len, false);
		word += len;
		while (*word == ' ')
			word++;
	}
}

/* By word, then by class: the same order each time. */
static int
compare_entries(const void *a, const void *b)
{
	const AgmTimeEntry *left = a;
	const AgmTimeEntry *right = b;
	int order = strcmp(left->word, right->word);

	return order != 0 ? order : (int) left->class - (int) right->class;
}

/* Most words of a text are no words of time, and are to be told so at once. */
static inline uint32
hash_word(const char *word)
{
	uint32 hash = 0;

	for (; *word != '\0'; word++)
		hash = hash * 33 + (unsigned char) *word;
	return hash ^ (hash >> 13);
}

static void
fill_slots(AgmTimeLanguage *language)
{
	if (language->nentries > AGM_TIME_SLOTS / 2)
		elog(ERROR, "too many words of time: %d", language->nentries);
	for (int i = 0; i < language->nentries; i++)
	{
		uint32 slot = hash_word(language->entries[i].word);

		if (i > 0 && strcmp(language->entries[i].word, language->entries[i - 1].word) == 0)
			continue;
		while (language->slots[slot & (AGM_TIME_SLOTS - 1)] != 0)
			slot++;
		language->slots[slot & (AGM_TIME_SLOTS - 1)] = i + 1;
	}
}

static void
load(AgmTimeLanguage *language, int i)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "agentmem time words",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Loader loader = {.unsure = languages[i].unsure, .small = languages[i].small};

	/* Made aside, so that an error leaves nothing half done. */
	loader.context = scratch;
	loader.capacity = 64;
	loader.entries = palloc(loader.capacity * sizeof(AgmTimeEntry));
	for (const WordList *list = languages[i].words; list != NULL && list->words != NULL; list++)
		add_list(&loader, list);
	agm_icu_calendar_names(languages[i].locale, add_name, &loader);
	qsort(loader.entries, loader.nentries, sizeof(AgmTimeEntry), compare_entries);

	/* Kept for good with the context, which is the backend's from here on. */
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(scratch, TopMemoryContext);
	language->nentries = loader.nentries;
	language->entries = loader.entries;
	fill_slots(language);
	language->name = languages[i].name;
}

const AgmTimeLanguage *
agm_time_language(const char *name)
{
	static const AgmTimeLanguage none = {.name = ""};

	for (int i = 0; i < (int) lengthof(languages); i++)
	{
		if (strcmp(languages[i].name, name) != 0)
			continue;
		if (loaded[i].name == NULL)
			load(&loaded[i], i);
		return &loaded[i];
	}
	return &none;
}

const char *
agm_language_locale(const char *name)
{
	for (int i = 0; i < (int) lengthof(languages); i++)
		if (strcmp(languages[i].name, name) == 0)
			return languages[i].locale;
	return "";
}

const AgmTimeEntry *
agm_time_lookup(const AgmTimeLanguage *language, const char *word, int *n)
{
	*n = 0;
	if (language->nentries == 0)
		return NULL;
	for (uint32 slot = hash_word(word);; slot++)
	{
		int first = language->slots[slot & (AGM_TIME_SLOTS - 1)] - 1;

		if (first < 0)
			return NULL;
		if (strcmp(language->entries[first].word, word) != 0)
			continue;
		while (first + *n < language->nentries &&
			   strcmp(language->entries[first + *n].word, word) == 0)
			*n += 1;
		return &language->entries[first];
	}
}

bool
agm_time_is_only(const AgmTimeEntry *entries, int n)
{
	const uint64 others = AGM_TIME_BIT(AGM_TIME_SEASON) | AGM_TIME_BIT(AGM_TIME_PART);

	for (int i = 0; i < n; i++)
	{
		if (!entries[i].unsure && (AGM_TIME_BIT(entries[i].class) & others) == 0)
			return true;
	}
	return false;
}
