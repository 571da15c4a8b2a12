/*
 * words.h
 *		The words of a text in the server's encoding one after the other, and what stands
 *		between them: what time expressions and concepts are found by.
 */
#ifndef AGM_LEXICAL_WORDS_H
#define AGM_LEXICAL_WORDS_H

#include "postgres.h"

#include "lexical/segment.h"

/* What stands between a word and the one before it. */
typedef enum AgmGap
{
	AGM_GAP_NONE,  /* nothing: scripts that write no blanks */
	AGM_GAP_SPACE, /* white space on one line */
	AGM_GAP_LINE,  /* white space with the end of a line */
	AGM_GAP_COMMA,
	AGM_GAP_DOT,		/* one full stop */
	AGM_GAP_DASH,		/* a hyphen, dash or slash */
	AGM_GAP_APOSTROPHE, /* nothing but that */
	AGM_GAP_COLON,
	AGM_GAP_OTHER /* anything else, and the beginning of the text */
} AgmGap;

typedef struct AgmWord
{
	AgmTokenKind kind;
	AgmGap gap;
	const char *utf8; /* the word in the shadow (encoding.h) */
	int utf8_len;
	int start; /* in the text */
	int len;
} AgmWord;

typedef struct AgmWordReader
{
	/* set once */
	const char *text;
	int len;
	int encoding;

	/* changes */
	AgmSegmenter segmenter;
	int pos; /* what segmenter.pos is in the text */
} AgmWordReader;

/* The reader keeps pointing to the text.  Nothing to release but memory. */
extern void agm_words_begin(AgmWordReader *reader, const char *text, int len);

/* The next token that is not blank; false at the end of the text. */
extern bool agm_words_next(AgmWordReader *reader, AgmWord *word);

/* Does the word begin with an upper-case letter? */
extern bool agm_word_is_capital(const AgmWord *word);

#endif
