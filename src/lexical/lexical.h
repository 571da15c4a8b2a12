/*
 * lexical.h
 *		What the other domains may know of words: folding, languages, lexemes, keys.
 *
 * Rules and reasons: src/lexical/README.md.
 */
#ifndef AGM_LEXICAL_LEXICAL_H
#define AGM_LEXICAL_LEXICAL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "tsearch/ts_type.h"

/*
 * NFKC, case fold, white space collapsed to single blanks and trimmed.  `text` is in
 * the server's encoding; the result is palloc'd UTF-8 with *folded_len bytes and a
 * terminating zero, fit for comparing and hashing, not for storing (a LATIN1 database
 * may be unable to hold it).
 */
extern char *agm_lexical_fold(const char *text, int len, int *folded_len);

/*
 * The same in the server's encoding, for storing: terminated, palloc'd or the text itself.
 * What the encoding cannot hold is not folded but in lower case (README, rule 15).
 */
extern char *agm_lexical_fold_server(const char *text, int len, int *folded_len);

/*
 * The text search configuration agentmem.<language>; without one InvalidOid if missing_ok,
 * else 22023 with a hint.
 */
extern Oid agm_lexical_config(const char *language, bool missing_ok);

/*
 * The lexemes of a text with their positions.  *length is the number of words that
 * the configuration keeps, repetitions included: the length of BM25.  Distinct words
 * beyond AGM_LEXEME_BYTES_MAX bytes are left out with a NOTICE.
 */
#define AGM_LEXEME_BYTES_MAX 65536
extern TSVector agm_lexemes_make(Oid config, const char *text, int len, int32 *length);

/* A query's words beyond this many are left out, with a NOTICE. */
#define AGM_QUERY_TERMS_MAX 256

/* One word of a query; `word` is not terminated and lives in the caller's context. */
typedef struct AgmTerm
{
	const char *word;
	int len;
} AgmTerm;

/*
 * The distinct lexemes of a query under each of the configurations, sorted as those
 * of a tsvector are: by bytes, a prefix first.  NULL and *nterms = 0 if only stop words are
 * left.  Distinct words beyond AGM_LEXEME_BYTES_MAX bytes are left out.
 */
extern AgmTerm *agm_lexical_query(const Oid *configs, int nconfigs, const char *text, int len,
								  int *nterms);

/*
 * The 64-bit key of a namespace's word.  Its last bits are 0: in the index of memories they tell of
 * each row how much the word may be worth there, by classes of its frequency and the row's length.
 */
#define AGM_KEY_CLASSES 32
#define AGM_KEY_CLASS_MASK ((uint64) AGM_KEY_CLASSES - 1)
extern int64 agm_lexeme_key(const char *ns, int ns_len, const char *word, int len);
extern int agm_key_class(int32 frequency, int32 length);

/* The greatest frequency and the least length of a class. */
extern void agm_key_class_bounds(int class, int32 *frequency, int32 *length);

/* How often the term occurs in the lexemes (1 where positions were stripped), 0 if absent. */
extern int agm_entry_frequency(const TSVectorData *lexemes, const WordEntry *entry);
extern int agm_lexeme_frequency(const TSVectorData *lexemes, const AgmTerm *term);

/* What a text says of time: [from, to), an open end having its flag set and no meaning. */
typedef struct AgmTimeSpan
{
	TimestampTz from;
	TimestampTz to;
	bool from_open;
	bool to_open;
	bool hard; /* not vague, and no part of it a guess */
	int start; /* the phrase: bytes of the text */
	int len;
} AgmTimeSpan;

/*
 * The time expressions of a text in their order, palloc'd, *nspans of them; relative to `at` and
 * in the session's time zone.  A language without words of time finds dates by digits.
 */
extern AgmTimeSpan *agm_time_expressions(const char *text, int len, TimestampTz at,
										 const char *language, int *nspans);

/* What a text is about. */
typedef struct AgmConcept
{
	char *concept; /* as the text has it, in the server's encoding */
	char *lexemes; /* its lexemes in the text's language, a blank between two */
	float weight;  /* of the weightiest 1 */
	int count;	   /* times that it occurs */
} AgmConcept;

#define AGM_CONCEPTS_MAX 1000

/*
 * The up to `max` weightiest concepts of a text, palloc'd, *nconcepts of them.  Their lexemes are
 * those that agm_lexemes_make() indexes: to leave out what is common in a namespace, ask for more
 * than are wanted and look up how many memories have them all.
 */
extern AgmConcept *agm_concepts(const char *language, const char *text, int len, int max,
								int *nconcepts);

/* A sentence of a text: bytes of it, without the white space around them. */
typedef struct AgmSentence
{
	int start;
	int len;
} AgmSentence;

/* The first `max` sentences of a text in a language, palloc'd, *nsentences of them. */
extern AgmSentence *agm_sentences(const char *language, const char *text, int len, int max,
								  int *nsentences);

/* BM25 (k1 1.2, b 0.75): weight of a word found in df of n texts, and its share in one text. */
extern double agm_bm25_idf(double n, double df);
extern double agm_bm25_term(double idf, double frequency, double length, double mean_length);

#endif
