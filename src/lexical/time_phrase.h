/*
 * time_phrase.h
 *		Inside of time expressions: what words can mean, patterns of them, spans.
 *		README.md, rules 23 to 30.
 *
 * time_language.c has the words and patterns, time_match.c finds them in a text, time_span.c
 * says what they mean, time_calendar.c counts days.
 */
#ifndef AGM_LEXICAL_TIME_PHRASE_H
#define AGM_LEXICAL_TIME_PHRASE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "lexical/lexical.h"
#include "lexical/words.h"

/* What a word can be in a pattern.  The names in patterns are those of time_language.c. */
typedef enum AgmTimeClass
{
	AGM_TIME_DATE,	/* digits: value is a Julian day */
	AGM_TIME_DAY,	/* 1 .. 31, also as 7th */
	AGM_TIME_NTH,	/* first, 7th, "2." */
	AGM_TIME_NUM,	/* value to high */
	AGM_TIME_YEAR,	/* four digits */
	AGM_TIME_MONTH, /* 1 .. 12 */
	AGM_TIME_WDAY,	/* 1 .. 7, from Monday on */
	AGM_TIME_WDSHORT,
	AGM_TIME_SEASON,  /* its first month */
	AGM_TIME_QUARTER, /* Q2 */
	AGM_TIME_WEEKNO,  /* W21 */
	AGM_TIME_DECADE,  /* 1990s: the first year */
	AGM_TIME_UNIT,	  /* AgmTimeUnit */
	AGM_TIME_FIXED,	  /* days from today; high is an AgmDayPart */
	AGM_TIME_PART,	  /* AgmDayPart */
	AGM_TIME_EDGE,	  /* 0 early, 1 mid, 2 late */
	AGM_TIME_VAGUE,	  /* recently: days before to days after */
	AGM_TIME_LAST,
	AGM_TIME_PAST,
	AGM_TIME_THIS,
	AGM_TIME_NEXT,
	AGM_TIME_OTHER,
	AGM_TIME_THESE,
	AGM_TIME_AGO,
	AGM_TIME_AGO_BEFORE, /* German "vor" */
	AGM_TIME_IN,
	AGM_TIME_ON,
	AGM_TIME_THE,
	AGM_TIME_OF,
	AGM_TIME_SINCE,
	AGM_TIME_BEFORE,
	AGM_TIME_AFTER,
	AGM_TIME_UNTIL,
	AGM_TIME_BETWEEN,
	AGM_TIME_AND,
	AGM_TIME_FROM,
	AGM_TIME_TO,
	AGM_TIME_AROUND,
	AGM_TIME_NOW,
	AGM_TIME_PERIOD /* no word, but what another pattern matches */
} AgmTimeClass;

#define AGM_TIME_CLASSES (AGM_TIME_PERIOD + 1)
#define AGM_TIME_BIT(class) (UINT64CONST(1) << (class))

typedef enum AgmTimeUnit
{
	AGM_UNIT_MINUTE,
	AGM_UNIT_HOUR,
	AGM_UNIT_DAY,
	AGM_UNIT_WEEK,
	AGM_UNIT_WEEKEND,
	AGM_UNIT_MONTH,
	AGM_UNIT_QUARTER,
	AGM_UNIT_YEAR,
	AGM_UNIT_DECADE
} AgmTimeUnit;

typedef enum AgmDayPart
{
	AGM_PART_ALL,
	AGM_PART_MORNING,
	AGM_PART_AFTERNOON,
	AGM_PART_EVENING,
	AGM_PART_NIGHT
} AgmDayPart;

/* What a pattern's words say together. */
typedef enum AgmTimeAction
{
	AGM_SAY_DATE,
	AGM_SAY_DAY,
	AGM_SAY_DAYS,
	AGM_SAY_MONTH,
	AGM_SAY_MONTH_OF, /* May of last year */
	AGM_SAY_YEAR,
	AGM_SAY_DECADE,
	AGM_SAY_SEASON,
	AGM_SAY_QUARTER,
	AGM_SAY_WEEK, /* week 21 of 2023 */
	AGM_SAY_WEEKDAY,
	AGM_SAY_WEEKEND,
	AGM_SAY_UNIT, /* last week */
	AGM_SAY_FIXED,
	AGM_SAY_PART, /* last night */
	AGM_SAY_AGO,
	AGM_SAY_IN,
	AGM_SAY_LAST, /* last two weeks */
	AGM_SAY_NEXT,
	AGM_SAY_VAGUE,
	AGM_SAY_OTHER_DAY,
	AGM_SAY_THESE_DAYS,
	/* of periods */
	AGM_SAY_SAME,
	AGM_SAY_AROUND,
	AGM_SAY_EDGE,
	AGM_SAY_SINCE,
	AGM_SAY_BEFORE,
	AGM_SAY_AFTER,
	AGM_SAY_UNTIL,
	AGM_SAY_BETWEEN,
	AGM_SAY_BESIDE,		/* the week before */
	AGM_SAY_APART,		/* two weeks before */
	AGM_SAY_NTH,		/* the first week of */
	AGM_SAY_AROUND_UNIT /* the week of */
} AgmTimeAction;

/* A word of a language; one word may have several entries. */
typedef struct AgmTimeEntry
{
	const char *word; /* folded, terminated; NULL of numbers */
	uint8 class;
	bool unsure; /* means something else too: needs a capital or a pattern that is sure */
	bool small;	 /* has this meaning without a capital only: "morgen" */
	int32 value;
	int32 high;
} AgmTimeEntry;

typedef struct AgmTimeElement
{
	uint64 classes;
	bool optional;
	bool sure;	/* a word that is unsure is meant as one of time here */
	bool comma; /* a comma may stand before it */
	bool dash;	/* a dash may stand before it */
	bool tight; /* a dash must stand before it */
} AgmTimeElement;

#define AGM_TIME_ELEMENTS_MAX 12

typedef struct AgmTimePattern
{
	int nelements;
	AgmTimeElement elements[AGM_TIME_ELEMENTS_MAX];
	AgmTimeAction action;
	bool inner; /* only within another pattern: "March" alone says too little */
} AgmTimePattern;

#define AGM_TIME_SLOTS 1024

typedef struct AgmTimeLanguage
{
	const char *name;
	int nentries;
	AgmTimeEntry *entries; /* by word, bytewise */
	uint16 slots
		[AGM_TIME_SLOTS]; /* hash table: one more than the number of a word's first entry */
} AgmTimeLanguage;

/* The words of a language, an empty list if there are none; kept as long as the backend lives. */
extern const AgmTimeLanguage *agm_time_language(const char *name);

/* ICU's name of a language, "" if it has none. */
extern const char *agm_language_locale(const char *name);

/* The patterns, the same for all languages. */
extern const AgmTimePattern *agm_time_patterns(int *npatterns);

/* The first of the *n entries of a folded word, NULL if there are none. */
extern const AgmTimeEntry *agm_time_lookup(const AgmTimeLanguage *language, const char *word,
										   int *n);

/* Is a word of these entries one of time and nothing else?  Seasons and parts of days are more. */
extern bool agm_time_is_only(const AgmTimeEntry *entries, int n);

/* Now, as the session's time zone has it. */
typedef struct AgmTimeNow
{
	bool known; /* false: infinity, and nothing is relative to that */
	TimestampTz at;
	int32 today; /* Julian day */
} AgmTimeNow;

/* From an hour to an hour, counted from Julian day 0 in local time, or between two instants. */
typedef struct AgmTimeRange
{
	int64 from;
	int64 to;
	bool from_open;
	bool to_open;
	bool instants; /* from and to are TimestampTz */
	bool soft;	   /* vague, or partly a guess */
	bool adverb;   /* takes no "in", "on" or "early" any more */
	int32 cycle;   /* if the year or week is a guess: months, or -days, until it comes again */
} AgmTimeRange;

/* What the words of a match were. */
typedef struct AgmTimeMatch
{
	uint64 got; /* classes */
	int32 value[AGM_TIME_CLASSES];
	int32 high[AGM_TIME_CLASSES];
	int32 second_day;
	int nranges;
	AgmTimeRange ranges[2];
} AgmTimeMatch;

/* What the match means; false if it means nothing after all. */
extern bool agm_time_say(AgmTimeAction action, const AgmTimeMatch *match, const AgmTimeNow *now,
						 AgmTimeRange *range);

/* time_calendar.c */

extern void agm_time_now(TimestampTz at, AgmTimeNow *now);

/* The bounds as instants; false if they are beyond what a timestamp can be. */
extern bool agm_time_instants(const AgmTimeRange *range, TimestampTz *from, TimestampTz *to);

extern void agm_time_split(int day, int *year, int *month);

/* Monday is 1. */
extern int agm_time_weekday(int day);

/* How many months a unit has, 0 if it is of days. */
extern int agm_time_unit_months(int unit);

/* From a Julian day to another. */
extern void agm_time_set_days(AgmTimeRange *range, int64 from, int64 to);

/* The unit that contains the day, moved by `count` units. */
extern bool agm_time_unit_around(int day, int unit, int count, AgmTimeRange *range);

/* The day moved by `count` units; a day that its month lacks becomes the month's last. */
extern bool agm_time_move(int day, int unit, int count, int *moved);

/* Months of a certain year from the first of one on; or, if nmonths is 0, one day. */
extern bool agm_time_of_year(int year, int month, int nmonths, int day, AgmTimeRange *range);

/* The Julian day of a date, false if there is no such day. */
extern bool agm_time_julian(int year, int month, int day, int32 *julian);

/* time_match.c */

/* The words of a text one by one, with the time expressions that they are in. */
typedef struct AgmTimeFinder AgmTimeFinder;

typedef struct AgmTimedWord
{
	const AgmWord *word;
	const AgmWord *next;	 /* NULL at the end of the text */
	const AgmTimeSpan *span; /* the expression that the word is in, NULL if in none */
	bool begins;			 /* it is the expression's first word */
	bool only_of_time;		 /* a word of time, and nothing else */
} AgmTimedWord;

extern AgmTimeFinder *agm_time_begin(const char *text, int len, TimestampTz at,
									 const char *language);

/* False at the end.  What *timed points to lasts until the next call. */
extern bool agm_time_next(AgmTimeFinder *finder, AgmTimedWord *timed);

extern void agm_time_end(AgmTimeFinder *finder);

#endif
