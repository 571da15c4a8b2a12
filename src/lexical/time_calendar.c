/*
 * time_calendar.c
 *		Days, weeks by ISO 8601, months and years; local time and instants.
 *
 * Local time is counted in hours from Julian day 0, which no year that a pattern knows can
 * overflow; only agm_time_instants() makes instants of it, by the session's time zone, and
 * drops what no timestamp can hold.  README.md, rules 25 and 28.
 */
#include "postgres.h"

#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "lexical/time_phrase.h"

/* What a count of years may lead to; far beyond both, and far from overflow. */
#define YEAR_MIN (-4700)
#define YEAR_MAX 300000

bool
agm_time_julian(int year, int month, int day, int32 *julian)
{
	if (month < 1 || month > 12 || day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	*julian = date2j(year, month, day);
	return true;
}

void
agm_time_now(TimestampTz at, AgmTimeNow *now)
{
	struct pg_tm tm;
	fsec_t fsec;
	int tz;

	now->at = at;
	now->known =
		!TIMESTAMP_NOT_FINITE(at) && timestamp2tm(at, &tz, &tm, &fsec, NULL, NULL) == 0;
	now->today = now->known ? date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) : 0;
}

void
agm_time_split(int day, int *year, int *month)
{
	int mday;

	j2date(day, year, month, &mday);
}

/* Monday is 1. */
int
agm_time_weekday(int day)
{
	return (j2day(day) + 6) % 7 + 1;
}

/* The first of the month that is `months` after January of the year. */
static bool
month_start(int year, int months, int *day)
{
	int index = year * 12 + months;
	int month = ((index % 12) + 12) % 12;

	year = (index - month) / 12;
	if (year < YEAR_MIN || year > YEAR_MAX)
		return false;
	*day = date2j(year, month + 1, 1);
	return true;
}

/* How many months a unit has, 0 if it is of days. */
int
agm_time_unit_months(int unit)
{
	switch (unit)
	{
		case AGM_UNIT_MONTH:
			return 1;
		case AGM_UNIT_QUARTER:
			return 3;
		case AGM_UNIT_YEAR:
			return 12;
		case AGM_UNIT_DECADE:
			return 120;
		default:
			return 0;
	}
}

void
agm_time_set_days(AgmTimeRange *range, int64 from, int64 to)
{
	range->from = from * 24;
	range->to = to * 24;
}

/* The unit that contains the day, moved by `count` units. */
bool
agm_time_unit_around(int day, int unit, int count, AgmTimeRange *range)
{
	int months = agm_time_unit_months(unit);
	int from;
	int to;

	if (months > 0)
	{
		int year;
		int month;
		int first;

		agm_time_split(day, &year, &month);
		if (months == 120)
			first = -(year % 10) * 12; /* since January of the year */
		else
			first = (month - 1) / months * months;
		if (!month_start(year, first + count * months, &from) ||
			!month_start(year, first + (count + 1) * months, &to))
			return false;
	}
	else if (unit == AGM_UNIT_DAY)
	{
		from = day + count;
		to = from + 1;
	}
	else if (unit == AGM_UNIT_WEEK || unit == AGM_UNIT_WEEKEND)
	{
		from = day - agm_time_weekday(day) + 1 + count * 7;
		to = from + 7;
		if (unit == AGM_UNIT_WEEKEND)
			from += 5;
	}
	else
		return false;
	agm_time_set_days(range, from, to);
	return true;
}

/* The day moved by `count` units; the day of the month becomes the last where there is no such. */
bool
agm_time_move(int day, int unit, int count, int *moved)
{
	int months = agm_time_unit_months(unit);
	int year;
	int month;
	int mday;
	int start;

	if (months == 0)
	{
		*moved = day + count * (unit == AGM_UNIT_DAY ? 1 : 7);
		return true;
	}
	j2date(day, &year, &month, &mday);
	if (!month_start(year, month - 1 + count * months, &start))
		return false;
	j2date(start, &year, &month, &(int){0});
	*moved = start + Min(mday, day_tab[isleap(year)][month - 1]) - 1;
	return true;
}

/* Months, or one day, of a certain year: from the first of a month, or a day of it. */
bool
agm_time_of_year(int year, int month, int nmonths, int day, AgmTimeRange *range)
{
	int from;
	int to;

	if (year < YEAR_MIN || year > YEAR_MAX)
		return false;
	if (nmonths == 0)
	{
		if (!agm_time_julian(year, month, day, &from))
			return false;
		to = from + 1;
	}
	else if (!month_start(year, month - 1, &from) ||
			 !month_start(year, month - 1 + nmonths, &to))
		return false;
	agm_time_set_days(range, from, to);
	return true;
}

/* Local time as an instant. */
static bool
instant_of(int64 hours, TimestampTz *result)
{
	struct pg_tm tm = {0};
	int64 day = hours / 24;
	int tz;

	if (hours < 0 || day > PG_INT32_MAX / 2)
		return false;
	j2date((int) day, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
	if (!IS_VALID_JULIAN(tm.tm_year, tm.tm_mon, tm.tm_mday))
		return false;
	tm.tm_hour = hours % 24;
	tz = DetermineTimeZoneOffset(&tm, session_timezone);
	return tm2timestamp(&tm, 0, &tz, result) == 0;
}

bool
agm_time_instants(const AgmTimeRange *range, TimestampTz *from, TimestampTz *to)
{
	if (range->instants)
	{
		*from = range->from;
		*to = range->to;
		return (range->from_open || IS_VALID_TIMESTAMP(*from)) &&
			   (range->to_open || IS_VALID_TIMESTAMP(*to));
	}
	return (range->from_open || instant_of(range->from, from)) &&
		   (range->to_open || instant_of(range->to, to));
}
