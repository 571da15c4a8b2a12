/*
 * context.c
 *		Recalled memories as one block of text for a prompt.
 *
 * One memory a paragraph, best first: "m1 [2026-03-02] fact: ...".  The short numbers
 * save tokens over ids; dates are ISO and of UTC whatever the session's DateStyle and
 * TimeZone, because a model reads them, not a person.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "recall/recall.h"

/* Columns of a row that are used here. */
#define COLUMN_KIND 2
#define COLUMN_CONTENT 3
#define COLUMN_VALID_PERIOD 6

static void
append_date(StringInfo out, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	appendStringInfo(out, "%04d-%02d-%02d", tm.tm_year > 0 ? tm.tm_year : 1 - tm.tm_year,
					 tm.tm_mon, tm.tm_mday);
	if (tm.tm_year <= 0)
		appendStringInfoString(out, " BC");
}

/* " [from]", " [from to until]" or nothing. */
static void
append_period(StringInfo out, Datum period)
{
	RangeType *range = DatumGetRangeTypeP(period);
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(range), TYPECACHE_RANGE_INFO);
	RangeBound lower;
	RangeBound upper;
	bool empty;

	range_deserialize(type, range, &lower, &upper, &empty);
	if (empty || (lower.infinite && upper.infinite))
		return;
	appendStringInfoString(out, " [");
	if (!lower.infinite)
		append_date(out, DatumGetTimestampTz(lower.val));
	if (!upper.infinite)
	{
		appendStringInfoString(out, lower.infinite ? "until " : " to ");
		append_date(out, DatumGetTimestampTz(upper.val));
	}
	appendStringInfoChar(out, ']');
}

/* Bytes of the line break at the beginning of the text, 0 if there is none. */
static int
line_break(const char *text)
{
	static const char *const breaks[] = {"\r\n", "\n", "\r", "\v", "\f"};
	static const char *const utf8_breaks[] = {"\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"};

	for (size_t i = 0; i < lengthof(breaks); i++)
		if (strncmp(text, breaks[i], strlen(breaks[i])) == 0)
			return strlen(breaks[i]);
	if (GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		for (size_t i = 0; i < lengthof(utf8_breaks); i++)
			if (strncmp(text, utf8_breaks[i], strlen(utf8_breaks[i])) == 0)
				return strlen(utf8_breaks[i]);
	return 0;
}

/* Further lines are indented, so that what a memory says cannot pass for a memory's head. */
static void
append_indented(StringInfo out, const char *text)
{
	while (*text != '\0')
	{
		int len = line_break(text);

		if (len > 0)
			appendStringInfoString(out, "\n  ");
		else
		{
			len = pg_mblen(text);
			appendBinaryStringInfo(out, text, len);
		}
		text += len;
	}
}

char *
agm_recall_context(const AgmRecall *recall, AgmRecalled *rows, int nrows)
{
	StringInfoData out;
	int number = 0;

	initStringInfo(&out);
	for (int i = 0; i < nrows; i++)
	{
		StringInfoData block;

		initStringInfo(&block);
		appendStringInfo(&block, "m%d", number + 1);
		append_period(&block, rows[i].values[COLUMN_VALID_PERIOD]);
		appendStringInfo(&block, " %s: ", TextDatumGetCString(rows[i].values[COLUMN_KIND]));
		append_indented(&block, TextDatumGetCString(rows[i].values[COLUMN_CONTENT]));
		appendStringInfoChar(&block, '\n');
		/* The budget is for the whole text: what the heads add may push a memory out. */
		if (recall->max_tokens == 0 ||
			agm_prompt_tokens(out.len + block.len) <= recall->max_tokens)
		{
			appendBinaryStringInfo(&out, block.data, block.len);
			number++;
		}
		pfree(block.data);
	}
	return out.data;
}
