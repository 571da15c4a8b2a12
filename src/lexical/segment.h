/*
 * segment.h
 *		Tokens of a UTF-8 text.  Pure: no server services but interrupts and memory.
 *
 * The tokens of a text follow each other without gap or overlap: together they are the
 * text, byte by byte.  Rules: README.md, 4 to 13.
 */
#ifndef AGM_LEXICAL_SEGMENT_H
#define AGM_LEXICAL_SEGMENT_H

#include "postgres.h"

#include "lexical/icu.h"

/*
 * Kinds of token.  The numbers are part of the SQL interface (ts_token_type), and
 * pg_catalog.prsd_headline knows the meaning of those below 24: they are the default
 * parser's.  Its 5 (url) is not used: headlines leave out such tokens, because the default
 * parser gives the parts of a URL once more.
 */
typedef enum AgmTokenKind
{
	AGM_TOKEN_ASCII_WORD = 1,
	AGM_TOKEN_WORD = 2,
	AGM_TOKEN_NUMBER_WORD = 3,
	AGM_TOKEN_EMAIL = 4,
	AGM_TOKEN_VERSION = 8,
	AGM_TOKEN_BLANK = 12,
	AGM_TOKEN_FLOAT = 20,
	AGM_TOKEN_INTEGER = 22,
	AGM_TOKEN_HASHTAG = 24,
	AGM_TOKEN_MENTION = 25,
	AGM_TOKEN_IDENTIFIER = 26,
	AGM_TOKEN_URL = 27,
	AGM_TOKEN_EMOJI = 28
} AgmTokenKind;

/* Longest word in bytes: what a tsvector can hold.  Longer ones are given as blanks. */
#define AGM_TOKEN_BYTES_MAX 2046

/* Longest blank: parsetext would complain of more than 2046 bytes. */
#define AGM_BLANK_BYTES_MAX 1024

/* Longest identifier and e-mail address, so that looking ahead costs a constant. */
#define AGM_IDENTIFIER_BYTES_MAX 255

typedef struct AgmToken
{
	AgmTokenKind kind;
	int start;
	int len;
} AgmToken;

typedef struct AgmSegmenter
{
	/* set once */
	const char *text;
	int len;

	/* changes */
	int pos;		 /* the next token starts here */
	bool after_word; /* the token before pos was a word: no # or @ token here */
	int plain_until; /* before this, '-' and '/' part words (rule 9) */
	int blank_until; /* before this is a word that is too long (rule 13) */

	/* the words that ICU found in a run of dictionary characters, not yet given out */
	uint16 *run_ends; /* AGM_ICU_RUN_MAX numbers, allocated when first needed */
	int run_start;
	int run_next;
	int run_words;
} AgmSegmenter;

/* The segmenter keeps pointing to the text.  Nothing to release but memory. */
extern void agm_segment_begin(AgmSegmenter *segmenter, const char *text, int len);

/* False at the end of the text. */
extern bool agm_segment_next(AgmSegmenter *segmenter, AgmToken *token);

#endif
