/*
 * words.c
 *		The words of a text, with what stands between them.
 */
#include "postgres.h"

#include "lexical/encoding.h"
#include "lexical/icu.h"
#include "lexical/words.h"

void
agm_words_begin(AgmWordReader *reader, const char *text, int len)
{
	const char *utf8;
	int utf8_len;

	reader->text = text;
	reader->len = len;
	reader->pos = 0;
	reader->encoding = agm_encoding_of(text, len);
	utf8 = agm_encoding_shadow(text, len, reader->encoding, &utf8_len);
	agm_segment_begin(&reader->segmenter, utf8, utf8_len);
}

/* Is the gap, blanks around it aside, a hyphen, a slash or an en dash? */
static bool
is_dash(const char *gap, int len)
{
	while (len > 0 && *gap == ' ')
		gap++, len--;
	while (len > 0 && gap[len - 1] == ' ')
		len--;
	return (len == 1 && (*gap == '-' || *gap == '/')) ||
		   (len == 3 && memcmp(gap, "\xE2\x80\x93", 3) == 0);
}

static AgmGap
gap_of(const char *gap, int len)
{
	bool line = false;
	char mark = '\0';
	int pos = 0;

	if (len == 0)
		return AGM_GAP_NONE;
	if (len <= 8 && is_dash(gap, len))
		return AGM_GAP_DASH;
	if ((len == 1 && gap[0] == '\'') || (len == 3 && memcmp(gap, "\xE2\x80\x99", 3) == 0))
		return AGM_GAP_APOSTROPHE;
	while (pos < len)
	{
		int space = agm_icu_space(gap, len, pos);

		if (space > 0)
		{
			line |= gap[pos] == '\n' || gap[pos] == '\r';
			pos += space;
		}
		else if (mark == '\0' && pos == 0)
			mark = gap[pos++];
		else
			return AGM_GAP_OTHER;
	}
	switch (mark)
	{
		case '\0':
			return line ? AGM_GAP_LINE : AGM_GAP_SPACE;
		case ',':
			return AGM_GAP_COMMA;
		case '.':
			return AGM_GAP_DOT;
		case ':':
			return AGM_GAP_COLON;
		default:
			return AGM_GAP_OTHER;
	}
}

bool
agm_words_next(AgmWordReader *reader, AgmWord *word)
{
	AgmSegmenter *seg = &reader->segmenter;
	int gap = seg->pos;
	AgmToken token;

	for (;;)
	{
		int length;

		if (!agm_segment_next(seg, &token))
			return false;
		length = agm_encoding_advance(reader->text + reader->pos, reader->len - reader->pos,
									  reader->encoding, seg->text + token.start, token.len);
		word->start = reader->pos;
		word->len = length;
		reader->pos += length;
		if (token.kind != AGM_TOKEN_BLANK)
			break;
	}
	word->kind = token.kind;
	word->gap = gap == 0 ? AGM_GAP_OTHER : gap_of(seg->text + gap, token.start - gap);
	word->utf8 = seg->text + token.start;
	word->utf8_len = token.len;
	return true;
}

bool
agm_word_is_capital(const AgmWord *word)
{
	unsigned char c = word->utf8[0];

	if (!IS_HIGHBIT_SET(c))
		return c >= 'A' && c <= 'Z';
	return agm_icu_is_upper(word->utf8, word->utf8_len, 0);
}
