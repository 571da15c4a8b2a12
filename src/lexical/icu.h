/*
 * icu.h
 *		Everything that agentmem asks of ICU: classes of characters, words of a run,
 *		folding.  UTF-8 in, UTF-8 out.
 *
 * Broken UTF-8 is never an error here: each bad byte counts as one U+FFFD.  Rules and
 * reasons: README.md.
 */
#ifndef AGM_LEXICAL_ICU_H
#define AGM_LEXICAL_ICU_H

#include "postgres.h"

/* What a character can be to a token: UAX 29's classes, as far as README rule 3 tells them apart. */
typedef enum AgmCharClass
{
	AGM_CHAR_UNKNOWN = 0,	/* not yet asked; never returned */
	AGM_CHAR_OTHER,			/* punctuation, symbols, what is not assigned */
	AGM_CHAR_SPACE,			/* white space and the end of the text */
	AGM_CHAR_LATIN,			/* letters of the Latin script */
	AGM_CHAR_LETTER,		/* letters of other scripts whose words are parted by blanks */
	AGM_CHAR_HEBREW,		/* Hebrew letters: may have " inside a word */
	AGM_CHAR_DICTIONARY,	/* Han, kana, Thai ...: words are found by dictionary */
	AGM_CHAR_DIGIT,			/* digits of all scripts */
	AGM_CHAR_MARK,			/* belongs to the character before it */
	AGM_CHAR_JOINER,		/* the underscore and its like */
	AGM_CHAR_APOSTROPHE,	/* ', U+2019, U+02BC */
	AGM_CHAR_WITHIN_WORD,	/* between two letters it is part of the word: U+00B7 ... */
	AGM_CHAR_WITHIN_NUMBER, /* the same between two digits: U+066C */
	AGM_CHAR_PICTOGRAPH,	/* emoji */
	AGM_CHAR_FLAG			/* half of a flag: a regional indicator */
} AgmCharClass;

/* The class of the non-ASCII character at pos; *next is where the one after it starts. */
extern AgmCharClass agm_icu_class(const char *text, int len, int pos, int *next);

/* Is the character at pos an upper-case letter?  A lower-case one? */
extern bool agm_icu_is_upper(const char *text, int len, int pos);
extern bool agm_icu_is_lower(const char *text, int len, int pos);

/*
 * Finds the words of a run of AGM_CHAR_DICTIONARY characters.  ends[i] becomes the offset
 * behind word i, the last one is len; the result is their number.  `ends` has room for
 * len numbers, len is 1 .. AGM_ICU_RUN_MAX.
 */
#define AGM_ICU_RUN_MAX 1024
extern int agm_icu_words(const char *text, int len, uint16 *ends);

/*
 * The same for the sentences of a text (UAX 29) of at least a byte, as a locale ends them.
 */
extern int agm_icu_sentences(const char *text, int len, const char *locale, int *ends);

/*
 * NFKC and case fold (README rule 1); palloc'd and terminated, of any length.
 */
extern char *agm_icu_fold(const char *text, int len, int *folded_len);

/* Lower case of the root locale: what is kept of a word whose fold an encoding lacks. */
extern char *agm_icu_lower(const char *text, int len, int *lower_len);

/* Names that a locale's calendar gives; a number is 1 to 12, or 1 to 7 from Monday on. */
typedef enum AgmNameKind
{
	AGM_NAME_MONTH,
	AGM_NAME_MONTH_SHORT,
	AGM_NAME_WEEKDAY,
	AGM_NAME_WEEKDAY_SHORT
} AgmNameKind;

typedef void (*AgmNameCallback)(void *context, AgmNameKind kind, int number, const char *name,
								int len);

/* Gives the names of months and weekdays in a locale, those used alone and those in dates. */
extern void agm_icu_calendar_names(const char *locale, AgmNameCallback note, void *context);

/* Length in bytes of the white space at pos, 0 if there is none. */
extern int agm_icu_space(const char *text, int len, int pos);

#endif
