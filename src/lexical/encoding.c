/*
 * encoding.c
 *		Between the server's encoding and the UTF-8 that ICU and the segmenter read.
 *
 * A UTF8 database passes through untouched.  For the others this decides what becomes of
 * characters that have no counterpart, in both directions, and keeps PostgreSQL's
 * converters from raising errors about them: indexing must not fail on text that the
 * database has accepted.  Rules: README.md, 14 to 16.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "lexical/encoding.h"

/* Converted at once; small enough to bound what a character without counterpart costs. */
#define CONVERT_PIECE 1024

/* A byte that has no Unicode stands at this plus its value, in a private plane. */
#define UNMAPPED_FIRST 0x10FF00

int
agm_encoding_of(const char *text, int len)
{
	int encoding = GetDatabaseEncoding();

	if (encoding != PG_SQL_ASCII)
		return encoding;
	return pg_encoding_verifymbstr(PG_UTF8, text, len) == len ? PG_UTF8 : PG_LATIN1;
}

/* Converts what is possible of a piece and returns how many bytes of it that was. */
static int
convert(Oid proc, int from, int to, const char *text, int len, char *target, int capacity)
{
	if (!OidIsValid(proc))
		return 0;
	return pg_do_encoding_conversion_buf(proc, from, to,
										 (unsigned char *) unconstify(char *, text), len,
										 (unsigned char *) target, capacity, true);
}

/* The end of a piece of whole characters from pos, and their number. */
static int
piece_end(const char *text, int len, int pos, int encoding, int *nchars)
{
	int end = pos;

	*nchars = 0;
	while (end < len)
	{
		int next = end + pg_encoding_mblen(encoding, text + end);

		next = Min(next, len);
		if (next - pos > CONVERT_PIECE)
			break;
		end = next;
		*nchars += 1;
	}
	return end;
}

static void
append_char(StringInfo utf8, pg_wchar c)
{
	unsigned char bytes[8];

	unicode_to_utf8(c, bytes);
	appendBinaryStringInfo(utf8, (char *) bytes, pg_utf_mblen(bytes));
}

/*
 * One character after the other: those that fail are written byte by byte into the private
 * plane, of which a shadow takes the first.
 */
static void
append_chars(StringInfo utf8, Oid proc, int encoding, const char *text, int len, bool shadow)
{
	int pos = 0;

	while (pos < len)
	{
		char target[2 * MAX_CONVERSION_GROWTH * MAX_MULTIBYTE_CHAR_LEN + 1];
		int length = Min(pg_encoding_mblen(encoding, text + pos), len - pos);

		if (convert(proc, encoding, PG_UTF8, text + pos, length, target, sizeof(target)) ==
			length)
			appendBinaryStringInfo(utf8, target,
								   shadow ? pg_utf_mblen((unsigned char *) target)
										  : (int) strlen(target));
		else if (length == 1 && !IS_HIGHBIT_SET(text[pos]))
			appendStringInfoChar(utf8, text[pos]);
		else
		{
			for (int i = 0; i < (shadow ? 1 : length); i++)
				append_char(utf8, UNMAPPED_FIRST + (unsigned char) text[pos + i]);
		}
		pos += length;
	}
}

static int
count_utf8_chars(const char *text, int len)
{
	int nchars = 0;

	for (int i = 0; i < len; i++)
		nchars += (text[i] & 0xC0) != 0x80;
	return nchars;
}

static const char *
to_utf8(const char *text, int len, int encoding, int *utf8_len, bool shadow)
{
	char target[CONVERT_PIECE * MAX_CONVERSION_GROWTH + 2 * MAX_CONVERSION_GROWTH];
	StringInfoData utf8;
	int pos = 0;
	Oid proc;

	if (encoding == PG_UTF8)
	{
		*utf8_len = len;
		return text;
	}

	proc = FindDefaultConversionProc(encoding, PG_UTF8);
	utf8.maxlen = len + len / 2 + 16;
	utf8.data = palloc(utf8.maxlen);
	utf8.len = 0;
	utf8.cursor = 0;
	utf8.data[0] = '\0';
	while (pos < len)
	{
		int nchars;
		int end = piece_end(text, len, pos, encoding, &nchars);

		CHECK_FOR_INTERRUPTS();
		if (convert(proc, encoding, PG_UTF8, text + pos, end - pos, target, sizeof(target)) ==
				end - pos &&
			(!shadow || count_utf8_chars(target, strlen(target)) == nchars))
			appendBinaryStringInfo(&utf8, target, strlen(target));
		else
			append_chars(&utf8, proc, encoding, text + pos, end - pos, shadow);
		pos = end;
	}
	*utf8_len = utf8.len;
	return utf8.data;
}

const char *
agm_encoding_shadow(const char *text, int len, int encoding, int *shadow_len)
{
	return to_utf8(text, len, encoding, shadow_len, true);
}

int
agm_encoding_advance(const char *text, int len, int encoding, const char *shadow,
					 int shadow_len)
{
	int end = 0;

	if (encoding == PG_UTF8)
		return shadow_len;
	for (int i = 0; i < shadow_len && end < len; i++)
	{
		if ((shadow[i] & 0xC0) != 0x80)
			end += pg_encoding_mblen(encoding, text + end);
	}
	return Min(end, len);
}

const char *
agm_encoding_to_utf8(const char *text, int len, int encoding, int *utf8_len)
{
	return to_utf8(text, len, encoding, utf8_len, false);
}

bool
agm_encoding_has_unicode(const char *text, int len)
{
	int encoding = GetDatabaseEncoding();
	const unsigned char *utf8;
	int utf8_len;

	if (encoding == PG_UTF8)
		return true;
	if (encoding == PG_SQL_ASCII)
		return agm_encoding_of(text, len) == PG_UTF8;
	utf8 = (const unsigned char *) agm_encoding_to_utf8(text, len, encoding, &utf8_len);
	for (int i = 0; i < utf8_len; i += pg_utf_mblen(utf8 + i))
		if (pg_utf_mblen(utf8 + i) == 4 && utf8_to_unicode(utf8 + i) >= UNMAPPED_FIRST)
			return false;
	return true;
}

const char *
agm_encoding_from_utf8(const char *text, int len, int encoding, int *result_len)
{
	char target[CONVERT_PIECE * MAX_CONVERSION_GROWTH + 2 * MAX_CONVERSION_GROWTH];
	StringInfoData result;
	int pos = 0;
	Oid proc;

	if (encoding == PG_UTF8)
	{
		*result_len = len;
		return text;
	}

	proc = FindDefaultConversionProc(PG_UTF8, encoding);
	initStringInfo(&result);
	while (pos < len)
	{
		int nchars;
		int end = piece_end(text, len, pos, PG_UTF8, &nchars);

		CHECK_FOR_INTERRUPTS();
		if (convert(proc, PG_UTF8, encoding, text + pos, end - pos, target, sizeof(target)) !=
			end - pos)
		{
			pfree(result.data);
			return NULL;
		}
		appendBinaryStringInfo(&result, target, strlen(target));
		pos = end;
	}
	*result_len = result.len;
	return result.data;
}
