/*
 * stem.h
 *		One word through the dictionaries of a configuration.
 *
 * What parsetext does for a whole text, for those who want to know which word a lexeme is of.
 */
#ifndef AGM_LEXICAL_STEM_H
#define AGM_LEXICAL_STEM_H

#include "postgres.h"

#include "lexical/segment.h"

/* Must precede agm_stem() in each text. */
extern void agm_stem_begin(Oid config);

/*
 * The first lexeme of the word, terminated; NULL of a stop word, and of one that no dictionary
 * knows.  Lasts until the next agm_stem_begin(), or as long as the current context.
 */
extern const char *agm_stem(AgmTokenKind kind, const char *word, int len);

#endif
