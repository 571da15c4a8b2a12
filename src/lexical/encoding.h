/*
 * encoding.h
 *		Text of the server's encoding as UTF-8, and back (README rules 14 to 16).
 *
 * Nothing here fails for want of a conversion: a character that Unicode does not have is
 * still a character, and text of SQL_ASCII has the encoding that its bytes suggest.
 */
#ifndef AGM_LEXICAL_ENCODING_H
#define AGM_LEXICAL_ENCODING_H

#include "postgres.h"

/* The encoding to read a text in: the server's, or UTF-8 or LATIN1 for text of SQL_ASCII. */
extern int agm_encoding_of(const char *text, int len);

/*
 * The text in UTF-8; the same pointer if it is that already, else palloc'd.  Its
 * characters are those of the text one by one, a combination of several code points being
 * represented by its first: made for cutting, not for keeping.
 */
extern const char *agm_encoding_shadow(const char *text, int len, int encoding,
									   int *shadow_len);

/*
 * Length in the text of the characters that these bytes of its shadow stand for.  Every
 * character of LATIN1, as which broken text of SQL_ASCII is read, is a byte.
 */
extern int agm_encoding_advance(const char *text, int len, int encoding, const char *shadow,
								int shadow_len);

/* The text in UTF-8, whole; the same pointer if it is that already, else palloc'd. */
extern const char *agm_encoding_to_utf8(const char *text, int len, int encoding, int *utf8_len);

/* Whether the server can convert the text to UTF-8: it raises an error where not. */
extern bool agm_encoding_has_unicode(const char *text, int len);

/* The other way; NULL if the encoding lacks one of the characters. */
extern const char *agm_encoding_from_utf8(const char *text, int len, int encoding,
										  int *result_len);

#endif
