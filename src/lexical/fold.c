/*
 * fold.c
 *		Folding of text in the server's encoding: README.md, rules 1, 2 and 15.
 *
 * The fold itself is icu.c's; here white space is collapsed, and a form is chosen for
 * encodings that cannot hold the folded one.
 */
#include "postgres.h"

#include "lexical/encoding.h"
#include "lexical/icu.h"
#include "lexical/lexical.h"

/*
 * Trims white space and makes each run of it one blank, in place; returns the new length.
 * Beyond ASCII white space is known in UTF-8 only.
 */
static int
collapse_space(char *text, int len, bool utf8)
{
	int kept = 0;
	bool space = false;

	for (int pos = 0; pos < len;)
	{
		unsigned char c = text[pos];
		int length;

		if (c == ' ' || (c >= '\t' && c <= '\r'))
			length = 1;
		else if (utf8 && (c == 0xC2 || (c >= 0xE1 && c <= 0xE3)))
			length = agm_icu_space(text, len, pos); /* no other byte starts such a character */
		else
			length = 0;

		if (length > 0)
		{
			space = true;
			pos += length;
			continue;
		}
		if (space && kept > 0)
			text[kept++] = ' ';
		space = false;
		text[kept++] = text[pos++];
	}
	text[kept] = '\0';
	return kept;
}

char *
agm_lexical_fold(const char *text, int len, int *folded_len)
{
	int encoding = agm_encoding_of(text, len);
	const char *utf8;
	int utf8_len;
	char *folded;

	utf8 = agm_encoding_to_utf8(text, len, encoding, &utf8_len);
	folded = agm_icu_fold(utf8, utf8_len, folded_len);
	*folded_len = collapse_space(folded, *folded_len, true);
	return folded;
}

char *
agm_lexical_fold_server(const char *text, int len, int *folded_len)
{
	int encoding = agm_encoding_of(text, len);
	char *folded = agm_lexical_fold(text, len, folded_len);
	const char *utf8;
	const char *result;
	int utf8_len;
	char *lower;

	result = agm_encoding_from_utf8(folded, *folded_len, encoding, folded_len);
	if (result != NULL)
		return unconstify(char *, result);

	/* The micro sign folds to a Greek letter, which LATIN1 lacks: keep it, in lower case. */
	utf8 = agm_encoding_to_utf8(text, len, encoding, &utf8_len);
	lower = agm_icu_lower(utf8, utf8_len, &utf8_len);
	utf8_len = collapse_space(lower, utf8_len, true);
	result = agm_encoding_from_utf8(lower, utf8_len, encoding, folded_len);
	if (result != NULL)
		return unconstify(char *, result);

	/*
	 * A character that Unicode lacks: ASCII is all that is known of the text.  No server
	 * encoding has ASCII bytes within its characters.
	 */
	lower = palloc(len + 1);
	for (int pos = 0; pos < len; pos++)
		lower[pos] = pg_ascii_tolower((unsigned char) text[pos]);
	*folded_len = collapse_space(lower, len, false);
	return lower;
}
