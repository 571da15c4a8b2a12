/*
 * segment.c
 *		Cuts a UTF-8 text into tokens: README.md, rules 4 to 13.
 *
 * Words are UAX 29's, found by a scanner of our own over ICU's character classes, because
 * a token of code, a URL or an address cuts across them and because a word of ASCII must
 * not cost a call into ICU; only runs of scripts that write no blanks are given to ICU's
 * dictionaries.  Every look-ahead is bounded or remembered, so time is linear in the text.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "lexical/segment.h"

/* What the characters of a unit or of several joined units were. */
#define HAS_LETTER 0x01
#define HAS_DIGIT 0x02
#define HAS_WIDE 0x04		/* something that is not ASCII */
#define HAS_UNDERSCORE 0x08 /* between two letters or digits */
#define HAS_JOIN 0x10		/* . :: -> between two units, or ++ or # behind one */
#define HAS_EXTENSION 0x20	/* a dot that joins, and a letter: a file name */

/* Shorthands, for the table only. */
#define O AGM_CHAR_OTHER
#define S AGM_CHAR_SPACE
#define L AGM_CHAR_LATIN
#define D AGM_CHAR_DIGIT
#define J AGM_CHAR_JOINER
#define A AGM_CHAR_APOSTROPHE

static const uint8 ascii_class[128] = {
	O, O, O, O, O, O, O, O, O, S, S, S, S, S, O, O, /* controls */
	O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, O, /* */
	S, O, O, O, O, O, O, A, O, O, O, O, O, O, O, O, /* blank to slash */
	D, D, D, D, D, D, D, D, D, D, O, O, O, O, O, O, /* 0 to question mark */
	O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* @ to O */
	L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, J, /* P to underscore */
	O, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, /* backquote to o */
	L, L, L, L, L, L, L, L, L, L, L, O, O, O, O, O, /* p to delete */
};

#undef O
#undef S
#undef L
#undef D
#undef J
#undef A

/* The class of the character at pos; the end of the text is white space. */
static inline AgmCharClass
class_at(const AgmSegmenter *seg, int pos, int *next)
{
	unsigned char c;

	if (pos >= seg->len)
	{
		*next = pos;
		return AGM_CHAR_SPACE;
	}
	c = seg->text[pos];
	if (!IS_HIGHBIT_SET(c))
	{
		*next = pos + 1;
		return ascii_class[c];
	}
	return agm_icu_class(seg->text, seg->len, pos, next);
}

/* The byte at pos, zero behind the end. */
static inline char
byte_at(const AgmSegmenter *seg, int pos)
{
	return pos < seg->len ? seg->text[pos] : '\0';
}

static inline bool
is_letter(AgmCharClass class)
{
	return class == AGM_CHAR_LATIN || class == AGM_CHAR_LETTER || class == AGM_CHAR_HEBREW;
}

static inline bool
is_word_char(AgmCharClass class)
{
	return is_letter(class) || class == AGM_CHAR_DIGIT;
}

static inline bool
is_word_at(const AgmSegmenter *seg, int pos)
{
	int next;

	return is_word_char(class_at(seg, pos, &next));
}

static inline bool
is_ascii_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Does a unit start at pos, underscores before it allowed? */
static bool
is_unit_at(const AgmSegmenter *seg, int pos)
{
	while (byte_at(seg, pos) == '_')
		pos++;
	return is_word_at(seg, pos);
}

/*
 * Does the character of class `class` join what is before it and what is at next?  UAX 29,
 * WB 6, 7, 7b, 7c, 11, 12, except for an apostrophe in Latin script (rule 5).
 */
static bool
joins(const AgmSegmenter *seg, AgmCharClass before, AgmCharClass class, int pos, int next)
{
	int after_next;
	AgmCharClass after = class_at(seg, next, &after_next);

	switch (class)
	{
		case AGM_CHAR_APOSTROPHE:
			return is_letter(before) && is_letter(after) && before != AGM_CHAR_LATIN &&
				   after != AGM_CHAR_LATIN;
		case AGM_CHAR_WITHIN_WORD:
			return is_letter(before) && is_letter(after);
		case AGM_CHAR_WITHIN_NUMBER:
			return before == AGM_CHAR_DIGIT && after == AGM_CHAR_DIGIT;
		default:
			return seg->text[pos] == '"' && before == AGM_CHAR_HEBREW &&
				   after == AGM_CHAR_HEBREW;
	}
}

/*
 * The end of the unit at pos: letters, digits, the marks upon them, and underscores between
 * them; leading underscores are passed over.  pos if there is none.  Adds to *flags.
 */
static int
scan_unit(const AgmSegmenter *seg, int pos, int *flags)
{
	AgmCharClass before = AGM_CHAR_SPACE; /* the last letter or digit */
	bool underscore = false;			  /* one was met since then */
	int end = pos;
	int next;

	for (int at = pos;; at = next)
	{
		AgmCharClass class = class_at(seg, at, &next);

		switch (class)
		{
			case AGM_CHAR_LATIN:
			case AGM_CHAR_LETTER:
			case AGM_CHAR_HEBREW:
			case AGM_CHAR_DIGIT:
				*flags |= class == AGM_CHAR_DIGIT ? HAS_DIGIT : HAS_LETTER;
				if (underscore && before != AGM_CHAR_SPACE)
					*flags |= HAS_UNDERSCORE;
				if (next > at + 1)
					*flags |= HAS_WIDE;
				underscore = false;
				before = class;
				end = next;
				break;
			case AGM_CHAR_MARK:
				if (before == AGM_CHAR_SPACE)
					return end;
				if (at == end)
				{
					*flags |= HAS_WIDE;
					end = next;
				}
				break;
			case AGM_CHAR_JOINER:
				underscore = true;
				break;
			case AGM_CHAR_SPACE:
				return end;
			default:
				if (at != end || !joins(seg, before, class, at, next))
					return end;
				*flags |= HAS_WIDE;
				break;
		}
	}
}

/* Does a number of exactly three digits start at pos: the group behind a comma? */
static bool
is_thousands(const AgmSegmenter *seg, int pos)
{
	for (int i = 0; i < 3; i++)
	{
		if (class_at(seg, pos, &pos) != AGM_CHAR_DIGIT)
			return false;
	}
	return class_at(seg, pos, &pos) != AGM_CHAR_DIGIT;
}

/*
 * Rule 8: the length of the connector at `end`, 0 if what is behind it is not joined.
 * `flags` tells what there was since the token's start, `unit` what was in its last unit.
 */
static int
connector(const AgmSegmenter *seg, int end, int flags, int unit)
{
	char c = byte_at(seg, end);
	int next;
	int last;

	if (c == '.')
	{
		AgmCharClass class = class_at(seg, end + 1, &next);

		if (class == AGM_CHAR_DIGIT)
			return (unit & HAS_DIGIT) || (flags & HAS_JOIN) ? 1 : 0;
		if ((flags & HAS_LETTER) == 0 || !is_unit_at(seg, end + 1))
			return 0;
		if (class == AGM_CHAR_JOINER || !agm_icu_is_upper(seg->text, seg->len, end + 1))
			return 1;
		/* end.Next is two words, README.TXT is one. */
		last = end - 1;
		while (last > 0 && (seg->text[last] & 0xC0) == 0x80)
			last--;
		return agm_icu_is_upper(seg->text, seg->len, last) ? 1 : 0;
	}
	if (c == ',')
		return (flags & ~(HAS_DIGIT | HAS_JOIN | HAS_WIDE)) == 0 && is_thousands(seg, end + 1)
				   ? 1
				   : 0;
	if (((c == ':' && byte_at(seg, end + 1) == ':') ||
		 (c == '-' && byte_at(seg, end + 1) == '>')) &&
		(flags & HAS_LETTER) && is_unit_at(seg, end + 2))
		return 2;
	return 0;
}

/*
 * Rule 8: goes on from a first unit, which ends at `end`, as long as units are joined and
 * the token that starts at `start` stays an identifier's length.  Dots and commas are
 * counted.
 */
static int
scan_joined(const AgmSegmenter *seg, int start, int end, int *flags, int *dots, int *commas)
{
	int unit = *flags;
	int length;

	while ((length = connector(seg, end, *flags, unit)) > 0)
	{
		char c = seg->text[end];
		int unit_end;

		unit = 0;
		unit_end = scan_unit(seg, end + length, &unit);
		if (unit_end - start > AGM_IDENTIFIER_BYTES_MAX)
			break;
		*dots += c == '.';
		*commas += c == ',';
		*flags |= unit | HAS_JOIN;
		end = unit_end;
	}
	if (*dots > 0 && (*flags & HAS_LETTER))
		*flags |= HAS_EXTENSION;
	return end;
}

/* Rule 8: C++, C++17, C#; `end` if the token at seg->pos, which ends there, has no such suffix. */
static int
scan_suffix(const AgmSegmenter *seg, int end, int *flags)
{
	int next = end + 2;

	if (byte_at(seg, end) == '#')
	{
		if (end - seg->pos != 1 || *flags != HAS_LETTER || is_word_at(seg, end + 1))
			return end;
		*flags |= HAS_JOIN;
		return end + 1;
	}
	if (byte_at(seg, end) != '+' || byte_at(seg, end + 1) != '+' || !(*flags & HAS_LETTER) ||
		byte_at(seg, next) == '+')
		return end;
	while (byte_at(seg, next) >= '0' && byte_at(seg, next) <= '9' &&
		   next - seg->pos < AGM_IDENTIFIER_BYTES_MAX)
		next++;
	if (is_word_at(seg, next))
		return end;
	*flags |= HAS_JOIN;
	return next;
}

/*
 * Rule 9: the end of the units at pos that - and / join; pos if there is none.  *flags gets
 * those of the last component, *components their number.
 */
static int
scan_path(const AgmSegmenter *seg, int pos, int *flags, int *components)
{
	int end = pos;

	for (;;)
	{
		int dots = 0;
		int commas = 0;
		int unit = 0;
		int next = scan_unit(seg, pos, &unit);

		if (next == pos)
			return end;
		end = scan_joined(seg, pos, next, &unit, &dots, &commas);
		*flags = unit;
		*components += 1;
		if (byte_at(seg, end) != '/' && byte_at(seg, end) != '-')
			return end;
		pos = end + 1;
		/* a hidden folder: a/.git/config */
		if (seg->text[end] == '/' && byte_at(seg, pos) == '.' && is_unit_at(seg, pos + 1))
			pos++;
	}
}

/* Rule 9: the end of a path that says so by its start: /a/b ./a ../a ~/a; pos if there is none. */
static int
scan_rooted_path(const AgmSegmenter *seg, int pos)
{
	int start = pos;
	int flags = 0;
	int components = 0;
	int end;

	if (pos > 0)
	{
		int next;
		char before = seg->text[pos - 1];

		if (!IS_HIGHBIT_SET(before) && class_at(seg, pos - 1, &next) != AGM_CHAR_SPACE &&
			strchr("([{\"'`=,;:", before) == NULL)
			return start;
		if (IS_HIGHBIT_SET(before) && seg->after_word)
			return start;
	}
	if (byte_at(seg, pos) == '~')
		pos++;
	else
		for (int dots = 0; dots < 2 && byte_at(seg, pos) == '.'; dots++)
			pos++;
	if (byte_at(seg, pos) != '/')
		return start;
	pos++;
	if (byte_at(seg, pos) == '.' && is_unit_at(seg, pos + 1))
		pos++;
	end = scan_path(seg, pos, &flags, &components);
	/* A single /word is more often an "or" than a file. */
	if (end == pos || end - start > AGM_IDENTIFIER_BYTES_MAX ||
		(components < 2 && seg->text[start] == '/'))
		return start;
	return end;
}

/*
 * Rule 6: the end of the URL at seg->pos, or seg->pos.  A scheme has at most 32 bytes, or
 * "a+b+c+..." would be scanned again from every letter.
 */
static int
scan_url(const AgmSegmenter *seg)
{
	int start = seg->pos;
	int pos = start;
	int round = 0;
	int square = 0;
	int end;
	bool path = false;

	while (pos - start <= 32 &&
		   (is_ascii_alnum(byte_at(seg, pos)) ||
			(byte_at(seg, pos) != '\0' && strchr("+-.", byte_at(seg, pos)))))
		pos++;
	if (pos - start <= 32 && !(seg->text[start] >= '0' && seg->text[start] <= '9') &&
		byte_at(seg, pos) == ':' && byte_at(seg, pos + 1) == '/' &&
		byte_at(seg, pos + 2) == '/')
		pos += 3;
	else if (seg->len - start > 4 && pg_strncasecmp(seg->text + start, "www.", 4) == 0)
		pos = start + 4;
	else
		return start;
	if (!is_word_at(seg, pos) && byte_at(seg, pos) != '/' && byte_at(seg, pos) != '[')
		return start;

	end = start;
	while (pos < seg->len)
	{
		int next;
		AgmCharClass class = class_at(seg, pos, &next);
		char c = seg->text[pos];

		if (IS_HIGHBIT_SET(c))
		{
			/* Chinese text goes on behind a host without a blank. */
			if (class == AGM_CHAR_SPACE || class == AGM_CHAR_OTHER ||
				(class == AGM_CHAR_DICTIONARY && !path))
				break;
		}
		else if (class == AGM_CHAR_SPACE || (unsigned char) c < ' ' ||
				 strchr("\"<>`{}|\\^\177", c) != NULL)
			break;
		path |= c == '/';
		/* A closing bracket belongs to the URL if it was opened there. */
		round += (c == '(') - (c == ')');
		square += (c == '[') - (c == ']');
		if (round < 0 || square < 0)
			break;
		pos = next;
		if (IS_HIGHBIT_SET(c) || strchr(".,;:!?'*~([", c) == NULL)
			end = pos;
	}
	return end;
}

/* Rule 7: the end of the e-mail address at seg->pos, or seg->pos. */
static int
scan_email(const AgmSegmenter *seg)
{
	int start = seg->pos;
	int pos = start;
	int end = start;
	int next;
	int labels = 0;

	while (pos - start <= 64 &&
		   (is_word_char(class_at(seg, pos, &next)) ||
			(byte_at(seg, pos) != '\0' && strchr("._%+-", seg->text[pos]))))
		pos = next;
	if (byte_at(seg, pos) != '@')
		return start;
	pos++;

	/* Labels of letters, digits and inner hyphens; the last one has a letter. */
	for (;;)
	{
		int flags = 0;
		int label = pos;

		while (pos - start < AGM_IDENTIFIER_BYTES_MAX)
		{
			AgmCharClass class = class_at(seg, pos, &next);

			if (is_letter(class))
				flags |= HAS_LETTER;
			else if (class != AGM_CHAR_DIGIT && class != AGM_CHAR_MARK &&
					 (byte_at(seg, pos) != '-' || pos == label || !is_word_at(seg, pos + 1)))
				break;
			pos = next;
		}
		if (pos == label)
			break;
		labels++;
		if (labels > 1 && (flags & HAS_LETTER) && pos - label > 1)
			end = pos;
		if (byte_at(seg, pos) != '.')
			break;
		pos++;
	}
	return end;
}

/* Rules 10 and 11: the end of the #hashtag or @mention at pos, or pos. */
static int
scan_tag(const AgmSegmenter *seg, int pos)
{
	bool mention = seg->text[pos] == '@';
	int flags = 0;
	int end;

	/* Not within mail@, C#, &#39; or ##. */
	if (pos > 0 && ((pos == seg->pos && seg->after_word) || strchr("&#@/", seg->text[pos - 1])))
		return pos;
	if (byte_at(seg, pos + 1) == '_' && !is_unit_at(seg, pos + 1))
		return pos;

	if (mention)
	{
		end = scan_unit(seg, pos + 1, &flags);
		while (end > pos + 1 && (byte_at(seg, end) == '.' || byte_at(seg, end) == '-') &&
			   is_word_at(seg, end + 1) && end - pos < AGM_IDENTIFIER_BYTES_MAX)
		{
			if (seg->text[end] == '.' && agm_icu_is_upper(seg->text, seg->len, end + 1))
				break;
			end = scan_unit(seg, end + 1, &flags);
		}
	}
	else
	{
		int next = pos + 1;

		/* A tag may mix scripts: no dictionary cuts it. */
		for (end = pos + 1; end - pos < AGM_IDENTIFIER_BYTES_MAX; end = next)
		{
			AgmCharClass class = class_at(seg, end, &next);

			if (is_letter(class) || class == AGM_CHAR_DICTIONARY)
				flags |= HAS_LETTER;
			else if (class != AGM_CHAR_DIGIT && class != AGM_CHAR_MARK &&
					 class != AGM_CHAR_JOINER)
				break;
		}
	}
	return end > pos + 1 && (flags & HAS_LETTER) ? end : pos;
}

static AgmTokenKind
unit_kind(int flags, int dots, int commas)
{
	if ((flags & HAS_JOIN) == 0)
	{
		if (flags & HAS_UNDERSCORE)
			return AGM_TOKEN_IDENTIFIER;
		if ((flags & HAS_LETTER) == 0)
			return AGM_TOKEN_INTEGER;
		if (flags & HAS_DIGIT)
			return AGM_TOKEN_NUMBER_WORD;
		return flags & HAS_WIDE ? AGM_TOKEN_WORD : AGM_TOKEN_ASCII_WORD;
	}
	if ((flags & (HAS_LETTER | HAS_UNDERSCORE)) == 0)
		return dots > 1 && commas == 0 ? AGM_TOKEN_VERSION : AGM_TOKEN_FLOAT;
	return AGM_TOKEN_IDENTIFIER;
}

/* v1.2: a v, then nothing but digits and dots up to `end`. */
static bool
is_v_version(const AgmSegmenter *seg, int end)
{
	if (seg->text[seg->pos] != 'v' && seg->text[seg->pos] != 'V')
		return false;
	for (int pos = seg->pos + 1; pos < end; pos++)
	{
		if (seg->text[pos] != '.' && (seg->text[pos] < '0' || seg->text[pos] > '9'))
			return false;
	}
	return true;
}

/* The token at a letter or digit: a word, or whatever can start like one. */
static int
scan_word(AgmSegmenter *seg, AgmTokenKind *kind)
{
	int flags = 0;
	int dots = 0;
	int commas = 0;
	int end = scan_unit(seg, seg->pos, &flags);
	int other;
	char c = byte_at(seg, end);

	/* Most words end here. */
	if (c == '\0' || strchr(".,:-/@+#%_", c) == NULL)
	{
		*kind = unit_kind(flags, 0, 0);
		return end;
	}

	if (strchr(".:+-", c) != NULL && (other = scan_url(seg)) > seg->pos)
	{
		*kind = AGM_TOKEN_URL;
		return other;
	}
	if (strchr("@.+-%_", c) != NULL && (other = scan_email(seg)) > seg->pos)
	{
		*kind = AGM_TOKEN_EMAIL;
		return other;
	}

	end = scan_joined(seg, seg->pos, end, &flags, &dots, &commas);
	end = scan_suffix(seg, end, &flags);

	if ((byte_at(seg, end) == '-' || byte_at(seg, end) == '/') && seg->pos >= seg->plain_until)
	{
		int path_flags = 0;
		int components = 0;

		other = scan_path(seg, seg->pos, &path_flags, &components);
		if (components > 1 && (path_flags & HAS_EXTENSION) &&
			other - seg->pos <= AGM_IDENTIFIER_BYTES_MAX)
		{
			*kind = AGM_TOKEN_IDENTIFIER;
			return other;
		}
		seg->plain_until = other;
	}

	*kind = unit_kind(flags, dots, commas);
	if (*kind == AGM_TOKEN_IDENTIFIER && dots > 0 && is_v_version(seg, end))
		*kind = AGM_TOKEN_VERSION;
	return end;
}

/* The next word of the dictionary run at seg->pos. */
static int
scan_dictionary(AgmSegmenter *seg)
{
	int end = seg->pos;
	int next;
	bool cut = false;

	if (seg->run_next < seg->run_words &&
		seg->pos == seg->run_start + seg->run_ends[seg->run_next - 1])
		return seg->run_start + seg->run_ends[seg->run_next++];

	for (;;)
	{
		AgmCharClass class = class_at(seg, end, &next);

		if (class != AGM_CHAR_DICTIONARY && class != AGM_CHAR_MARK)
			break;
		if (next - seg->pos > AGM_ICU_RUN_MAX)
		{
			cut = true;
			break;
		}
		end = next;
	}

	if (seg->run_ends == NULL)
		seg->run_ends = palloc(AGM_ICU_RUN_MAX * sizeof(uint16));
	seg->run_start = seg->pos;
	seg->run_next = 0;
	seg->run_words = agm_icu_words(seg->text + seg->pos, end - seg->pos, seg->run_ends);

	/*
	 * Of a run that goes on, the last quarter is read again with what follows it: there
	 * the dictionary has not seen enough.
	 */
	if (cut)
	{
		while (seg->run_words > 1 &&
			   seg->run_ends[seg->run_words - 1] > AGM_ICU_RUN_MAX * 3 / 4)
			seg->run_words--;
	}
	return seg->run_start + seg->run_ends[seg->run_next++];
}

/* Rule 12: a pictograph with its variants, several bound by a joiner, or a flag. */
static int
scan_emoji(const AgmSegmenter *seg)
{
	int next;
	int end;
	bool flag = class_at(seg, seg->pos, &end) == AGM_CHAR_FLAG;

	if (flag && class_at(seg, end, &next) == AGM_CHAR_FLAG)
		end = next;
	for (;;)
	{
		AgmCharClass class = class_at(seg, end, &next);
		bool joiner =
			end - seg->pos >= 3 && memcmp(seg->text + end - 3, "\xE2\x80\x8D", 3) == 0;

		if (class != AGM_CHAR_MARK && !(class == AGM_CHAR_PICTOGRAPH && joiner))
			return end;
		end = next;
	}
}

/* Rule 4: where the blank at seg->pos ends; what starts there is a token. */
static int
scan_blank(const AgmSegmenter *seg)
{
	int end = seg->pos;
	int next;

	while (end < seg->len && end - seg->pos < AGM_BLANK_BYTES_MAX - 4)
	{
		AgmCharClass class = class_at(seg, end, &next);

		if (is_word_char(class) || class == AGM_CHAR_DICTIONARY ||
			class == AGM_CHAR_PICTOGRAPH || class == AGM_CHAR_FLAG)
			break;
		if (end > seg->pos && class == AGM_CHAR_OTHER)
		{
			char c = seg->text[end];

			if (((c == '#' || c == '@') && scan_tag(seg, end) > end) ||
				((c == '/' || c == '.' || c == '~') && scan_rooted_path(seg, end) > end))
				break;
		}
		end = next;
	}
	return end;
}

/* What starts at seg->pos; *kind gets its kind. */
static int
scan_token(AgmSegmenter *seg, AgmTokenKind *kind)
{
	char c = seg->text[seg->pos];
	int end = seg->pos;
	int next;

	switch (class_at(seg, seg->pos, &next))
	{
		case AGM_CHAR_LATIN:
		case AGM_CHAR_LETTER:
		case AGM_CHAR_HEBREW:
		case AGM_CHAR_DIGIT:
			end = scan_word(seg, kind);
			seg->after_word = true;
			return end;
		case AGM_CHAR_DICTIONARY:
			*kind = AGM_TOKEN_WORD;
			seg->after_word = false; /* written without blanks: a tag may follow */
			return scan_dictionary(seg);
		case AGM_CHAR_PICTOGRAPH:
		case AGM_CHAR_FLAG:
			*kind = AGM_TOKEN_EMOJI;
			seg->after_word = false;
			return scan_emoji(seg);
		default:
			break;
	}

	if (c == '#' || c == '@')
	{
		*kind = c == '#' ? AGM_TOKEN_HASHTAG : AGM_TOKEN_MENTION;
		end = scan_tag(seg, seg->pos);
	}
	else if (c == '/' || c == '.' || c == '~')
	{
		*kind = AGM_TOKEN_IDENTIFIER;
		end = scan_rooted_path(seg, seg->pos);
	}
	seg->after_word = end > seg->pos;
	if (end > seg->pos)
		return end;
	*kind = AGM_TOKEN_BLANK;
	return scan_blank(seg);
}

void
agm_segment_begin(AgmSegmenter *segmenter, const char *text, int len)
{
	memset(segmenter, 0, sizeof(AgmSegmenter));
	segmenter->text = text;
	segmenter->len = len;
}

bool
agm_segment_next(AgmSegmenter *seg, AgmToken *token)
{
	int end = seg->pos;

	CHECK_FOR_INTERRUPTS();
	if (seg->pos >= seg->len)
		return false;

	if (seg->pos >= seg->blank_until)
	{
		end = scan_token(seg, &token->kind);
		if (end - seg->pos > AGM_TOKEN_BYTES_MAX)
			seg->blank_until = end;
	}
	if (seg->pos < seg->blank_until)
	{
		/* Rule 13: in pieces, each of whole characters. */
		token->kind = AGM_TOKEN_BLANK;
		end = Min(seg->blank_until - seg->pos, AGM_BLANK_BYTES_MAX) + seg->pos;
		while (end < seg->blank_until && end > seg->pos + 1 && (seg->text[end] & 0xC0) == 0x80)
			end--;
	}

	token->start = seg->pos;
	token->len = end - seg->pos;
	seg->pos = end;
	return true;
}
