/*
 * time_span.c
 *		What a match of words means.
 *
 * One function an action of the patterns.  README.md, rules 25 to 28.
 */
#include "postgres.h"

#include "common/int.h"
#include "pgtime.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "lexical/time_phrase.h"

/* How far to look for a year that has a 29 February. */
#define LEAP_YEARS_MAX 8

/* The part of a day; the night lasts until six o'clock of the next. */
static void
set_part(AgmTimeRange *range, int part)
{
	static const int hours[][2] = {{0, 24}, {5, 12}, {12, 18}, {18, 24}, {18, 30}};
	int64 day = range->from;

	range->from = day + hours[part][0];
	range->to = day + hours[part][1];
	range->soft |= part != AGM_PART_ALL;
}

/* -1, 0, 1 for last, this and next; 2 if none was said. */
static int
direction(const AgmTimeMatch *match)
{
	if (match->got & (AGM_TIME_BIT(AGM_TIME_LAST) | AGM_TIME_BIT(AGM_TIME_PAST)))
		return -1;
	if (match->got & AGM_TIME_BIT(AGM_TIME_THIS))
		return 0;
	return match->got & AGM_TIME_BIT(AGM_TIME_NEXT) ? 1 : 2;
}

static inline bool
has(const AgmTimeMatch *match, AgmTimeClass class)
{
	return (match->got & AGM_TIME_BIT(class)) != 0;
}

/*
 * What comes each year: the last that is over, that of this year, the next that has not
 * begun; or, if nothing was said, the latest that has begun, which is a guess.
 */
static bool
recurring(const AgmTimeMatch *match, const AgmTimeNow *now, int month, int nmonths, int day,
		  AgmTimeRange *range)
{
	int which = direction(match);
	int64 today = (int64) now->today * 24;
	int year;
	int this_month;

	if (has(match, AGM_TIME_YEAR))
		return agm_time_of_year(match->value[AGM_TIME_YEAR], month, nmonths, day, range);
	if (!now->known)
		return false;
	agm_time_split(now->today, &year, &this_month);
	if (which == 0)
	{
		/* A winter of which January has come began last year. */
		if (month + nmonths - 1 - 12 >= this_month)
			year--;
		return agm_time_of_year(year, month, nmonths, day, range);
	}
	for (int i = 0; i <= LEAP_YEARS_MAX + 1; i++)
	{
		int candidate = which == 1 ? year - 1 + i : year + 1 - i;

		if (agm_time_of_year(candidate, month, nmonths, day, range) &&
			((which == 1 && range->from > today) || (which == -1 && range->to <= today) ||
			 (which == 2 && range->from <= today)))
		{
			range->soft = which == 2;
			range->cycle = which == 2 ? 12 : 0;
			return true;
		}
	}
	return false;
}

static bool
say_days(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	int more = match->second_day - match->value[AGM_TIME_DAY];

	if (more <= 0 || !recurring(match, now, match->value[AGM_TIME_MONTH], 0,
								match->value[AGM_TIME_DAY], range))
		return false;
	range->to += more * 24;
	return true;
}

static bool
say_weekday(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	int wday = match->value[AGM_TIME_WDAY];
	int which = direction(match);
	int day;

	if (!now->known)
		return false;
	if (which == 0)
		day = now->today - agm_time_weekday(now->today) + wday;
	else if (which == 1)
		day = now->today + 1 + (wday + 6 - agm_time_weekday(now->today)) % 7;
	else
	{
		int until = which == -1 ? now->today - 1 : now->today;

		day = until - (agm_time_weekday(until) + 7 - wday) % 7;
	}
	agm_time_set_days(range, day, day + INT64CONST(1));
	range->soft = which == 2;
	range->cycle = which == 2 ? -7 : 0;
	set_part(range, match->value[AGM_TIME_PART]);
	return true;
}

/* A quarter as Q2, or as the second one of a year. */
static bool
say_quarter(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	int quarter = match->value[AGM_TIME_QUARTER];

	if (has(match, AGM_TIME_NTH))
	{
		if (match->value[AGM_TIME_UNIT] != AGM_UNIT_QUARTER)
			return false;
		quarter = match->value[AGM_TIME_NTH];
	}
	if (quarter < 1 || quarter > 4)
		return false;
	return recurring(match, now, quarter * 3 - 2, 3, 0, range);
}

/* Week 21 of a year by ISO: the first week has 4 January. */
static bool
say_week(const AgmTimeMatch *match, AgmTimeRange *range)
{
	int year = match->value[AGM_TIME_YEAR];
	int week = has(match, AGM_TIME_WEEKNO) ? match->value[AGM_TIME_WEEKNO]
										   : match->value[AGM_TIME_NUM];
	int unit = has(match, AGM_TIME_WEEKNO) ? AGM_UNIT_WEEK : match->value[AGM_TIME_UNIT];
	AgmTimeRange next;

	if (unit == AGM_UNIT_QUARTER && week >= 1 && week <= 4)
		return agm_time_of_year(year, week * 3 - 2, 3, 0, range);
	if (unit != AGM_UNIT_WEEK || week < 1 || week > 53)
		return false;
	return agm_time_unit_around(date2j(year, 1, 4), AGM_UNIT_WEEK, week - 1, range) &&
		   agm_time_unit_around(date2j(year + 1, 1, 4), AGM_UNIT_WEEK, 0, &next) &&
		   range->from < next.from;
}

/* Some units before (-1) or after today, of the least and the most that the number says. */
static bool
say_distance(const AgmTimeMatch *match, const AgmTimeNow *now, int sign, AgmTimeRange *range)
{
	int unit = match->value[AGM_TIME_UNIT];
	int low = match->value[AGM_TIME_NUM];
	int high = match->high[AGM_TIME_NUM];
	AgmTimeRange other;

	if (!now->known)
		return false;
	range->soft = low != high || unit > AGM_UNIT_DAY;
	if (unit <= AGM_UNIT_HOUR)
	{
		int64 length = unit == AGM_UNIT_HOUR ? USECS_PER_HOUR : USECS_PER_MINUTE;
		TimestampTz far;

		/* Not so exact: half a unit around it. */
		if (pg_add_s64_overflow(now->at, sign * length * high, &far))
			return false;
		range->instants = true;
		range->from = sign < 0 ? far - length / 2 : now->at + length * low - length / 2;
		range->to = sign < 0 ? now->at - length * low + length / 2 : far + length / 2;
		range->soft = true;
		return true;
	}
	if (!agm_time_unit_around(now->today, unit, sign * high, range) ||
		!agm_time_unit_around(now->today, unit, sign * low, &other))
		return false;
	range->from = Min(range->from, other.from);
	range->to = Max(range->to, other.to);
	return true;
}

/* From some units before now until now, or the other way round; whole days, today included. */
static bool
say_stretch(const AgmTimeMatch *match, const AgmTimeNow *now, int sign, AgmTimeRange *range)
{
	int unit = match->value[AGM_TIME_UNIT];
	int count = has(match, AGM_TIME_NUM) ? match->high[AGM_TIME_NUM] : 1;
	int day;

	if (!now->known)
		return false;
	if (unit == AGM_UNIT_WEEKEND)
		return agm_time_unit_around(now->today, unit, sign, range) && !has(match, AGM_TIME_NUM);
	range->soft = has(match, AGM_TIME_NUM) && match->value[AGM_TIME_NUM] != count;
	if (unit <= AGM_UNIT_HOUR)
	{
		int64 length = unit == AGM_UNIT_HOUR ? USECS_PER_HOUR : USECS_PER_MINUTE;
		TimestampTz far;

		if (pg_add_s64_overflow(now->at, sign * length * count, &far))
			return false;
		range->instants = true;
		range->from = Min(far, now->at);
		range->to = Max(far, now->at);
		return range->from < range->to;
	}
	if (!agm_time_move(now->today, unit, sign * count, &day))
		return false;
	agm_time_set_days(range, Min(day, now->today), Max(day, now->today) + INT64CONST(1));
	return true;
}

static bool
say_unit(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	return now->known && agm_time_unit_around(now->today, match->value[AGM_TIME_UNIT],
											  direction(match), range);
}

/* May of last year. */
static bool
say_month_of(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	int year;
	int month;

	if (match->value[AGM_TIME_UNIT] != AGM_UNIT_YEAR || !now->known)
		return false;
	agm_time_split(now->today, &year, &month);
	return agm_time_of_year(year + direction(match), match->value[AGM_TIME_MONTH], 1, 0, range);
}

/* Days around today; the numbers are 0 or more. */
static bool
days_around(const AgmTimeNow *now, int before, int after, AgmTimeRange *range)
{
	agm_time_set_days(range, (int64) now->today - before, (int64) now->today + after);
	range->soft = true;
	range->adverb = true;
	return now->known;
}

static bool
say_fixed(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	if (!now->known ||
		!agm_time_unit_around(now->today, AGM_UNIT_DAY, match->value[AGM_TIME_FIXED], range))
		return false;
	set_part(range, has(match, AGM_TIME_PART) ? match->value[AGM_TIME_PART]
											  : match->high[AGM_TIME_FIXED]);
	range->adverb = true;
	return true;
}

static bool
say_part(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	if (!now->known || !agm_time_unit_around(now->today, AGM_UNIT_DAY, direction(match), range))
		return false;
	set_part(range, match->value[AGM_TIME_PART]);
	return true;
}

/* A third of a period, or of the unit that today lies in. */
static bool
say_edge(const AgmTimeMatch *match, const AgmTimeNow *now, AgmTimeRange *range)
{
	int edge = match->value[AGM_TIME_EDGE];
	int64 from;
	int64 third;

	if (match->nranges > 0)
		*range = match->ranges[0];
	else if (!now->known ||
			 !agm_time_unit_around(now->today, match->value[AGM_TIME_UNIT], 0, range))
		return false;
	if (range->instants || range->from_open || range->to_open || range->adverb)
		return false;
	from = range->from;
	third = (range->to - range->from) / 3 / 24 * 24;
	if (third == 0)
		return false;
	range->from = from + third * edge;
	if (edge < 2)
		range->to = range->from + third;
	range->soft = true;
	return true;
}

/* Moves what comes each year or week by so many of them. */
static bool
turn(AgmTimeRange *range, int count)
{
	int from;
	int length = (range->to - range->from) / 24;

	if (range->cycle < 0)
	{
		range->from -= (int64) count * range->cycle * 24;
		range->to -= (int64) count * range->cycle * 24;
		return true;
	}
	if (!agm_time_move(range->from / 24, AGM_UNIT_MONTH, count * range->cycle, &from))
		return false;
	/* February is not always as long. */
	if (length == 28 || length == 29)
	{
		int year;
		int month;

		agm_time_split(from, &year, &month);
		length = day_tab[isleap(year)][month - 1];
	}
	agm_time_set_days(range, from, from + (int64) length);
	return true;
}

/* Moves `range` so near to the other that it is less than one turn from it. */
static bool
approach(AgmTimeRange *range, const AgmTimeRange *other)
{
	int year;
	int other_year;
	int month;

	if (range->cycle < 0)
		return turn(range, (other->from - range->from) / (-range->cycle * 24));
	agm_time_split(range->from / 24, &year, &month);
	agm_time_split(other->from / 24, &other_year, &month);
	return turn(range, other_year - year);
}

/*
 * Both ends said: of an end whose year or week is a guess, the one that fits the other end
 * ("between March and May 2023").
 */
static bool
say_between(const AgmTimeMatch *match, AgmTimeRange *range)
{
	AgmTimeRange first = match->ranges[0];
	AgmTimeRange last = match->ranges[1];

	if (first.instants || last.instants || last.from_open || last.to_open)
		return false;
	range->soft = first.soft || last.soft;
	if (first.cycle != 0 && last.cycle == 0)
	{
		range->soft = last.soft;
		if (!approach(&first, &last) || (first.from > last.from && !turn(&first, -1)))
			return false;
	}
	else if (last.cycle != 0 && last.from < first.from)
	{
		if (!approach(&last, &first) || (last.from < first.from && !turn(&last, 1)))
			return false;
	}
	if (last.cycle != 0 && first.cycle == 0)
		range->soft = first.soft;
	range->from = Min(first.from, last.from);
	range->to = Max(first.to, last.to);
	return true;
}

/* The unit or weekday next to a period. */
static bool
say_beside(const AgmTimeMatch *match, AgmTimeRange *range)
{
	const AgmTimeRange *period = &match->ranges[0];
	bool before = has(match, AGM_TIME_BEFORE);
	int first = period->from / 24;
	int last = (period->to - 1) / 24;

	range->soft = period->soft;
	if (has(match, AGM_TIME_WDAY))
	{
		int wday = match->value[AGM_TIME_WDAY];
		int day = before ? first - 1 - (agm_time_weekday(first - 1) + 7 - wday) % 7
						 : last + 1 + (wday + 7 - agm_time_weekday(last + 1)) % 7;

		agm_time_set_days(range, day, day + INT64CONST(1));
		return true;
	}
	if (match->value[AGM_TIME_UNIT] < AGM_UNIT_DAY)
		return false;
	if (match->value[AGM_TIME_UNIT] == AGM_UNIT_WEEKEND)
	{
		/* The weekend of the week may still be before the day, or after it. */
		if (!agm_time_unit_around(before ? first : last, AGM_UNIT_WEEKEND, before ? -1 : 0,
								  range))
			return false;
		if (!before && range->from < period->to)
			return agm_time_unit_around(last, AGM_UNIT_WEEKEND, 1, range);
		return true;
	}
	return agm_time_unit_around(before ? first : last, match->value[AGM_TIME_UNIT],
								before ? -1 : 1, range);
}

/* Two weeks before a period: the day, or the unit, that lies so far from it. */
static bool
say_apart(const AgmTimeMatch *match, AgmTimeRange *range)
{
	bool before = has(match, AGM_TIME_BEFORE);
	const AgmTimeRange *period = &match->ranges[0];
	AgmTimeNow then = {.known = true};

	if (match->value[AGM_TIME_UNIT] < AGM_UNIT_DAY)
		return false;
	then.today = before ? period->from / 24 : (period->to - 1) / 24;
	return say_distance(match, &then, before ? -1 : 1, range);
}

/* The first, or the last, week, weekend or Monday of a period; weeks count from its first day. */
static bool
say_nth(const AgmTimeMatch *match, AgmTimeRange *range)
{
	const AgmTimeRange *period = &match->ranges[0];
	int first = period->from / 24;
	int last = (period->to - 1) / 24;
	bool from_end = has(match, AGM_TIME_LAST);
	int n = from_end ? 1 : match->value[AGM_TIME_NTH];
	int unit = match->value[AGM_TIME_UNIT];
	int wday = match->value[AGM_TIME_WDAY];
	int ndays = 1;
	int day;

	range->soft = period->soft;
	if (!has(match, AGM_TIME_WDAY) && agm_time_unit_months(unit) > 0)
	{
		if (!agm_time_unit_around(from_end ? last : first, unit, from_end ? 0 : n - 1, range))
			return false;
		return range->from >= period->from && range->to <= period->to;
	}
	if (!has(match, AGM_TIME_WDAY) && unit < AGM_UNIT_DAY)
		return false;
	if (has(match, AGM_TIME_WDAY) || unit == AGM_UNIT_WEEKEND)
	{
		if (unit == AGM_UNIT_WEEKEND && !has(match, AGM_TIME_WDAY))
		{
			wday = 6;
			ndays = 2;
		}
		day = from_end ? last - (agm_time_weekday(last) + 7 - wday) % 7
					   : first + (wday + 7 - agm_time_weekday(first)) % 7 + (n - 1) * 7;
	}
	else
	{
		ndays = unit == AGM_UNIT_WEEK ? 7 : 1;
		day = from_end ? last - ndays + 1 : first + (n - 1) * ndays;
		range->soft |= ndays == 7;
	}
	agm_time_set_days(range, day, (int64) day + ndays);
	return day >= first && day <= last;
}

/* The week of 25 May: the unit that it lies in. */
static bool
say_around_unit(const AgmTimeMatch *match, AgmTimeRange *range)
{
	range->soft = match->ranges[0].soft;
	return match->value[AGM_TIME_UNIT] >= AGM_UNIT_DAY &&
		   agm_time_unit_around(match->ranges[0].from / 24, match->value[AGM_TIME_UNIT], 0,
								range);
}

/* What is said of one period. */
static bool
say_of_period(AgmTimeAction action, const AgmTimeMatch *match, AgmTimeRange *range)
{
	const AgmTimeRange *period = &match->ranges[0];
	int64 length = period->to - period->from;
	bool open = period->from_open || period->to_open;

	if (action == AGM_SAY_SAME)
	{
		*range = *period;
		range->adverb = true;
		return !period->adverb;
	}
	if (open)
		return false;
	if (action == AGM_SAY_BETWEEN)
		return say_between(match, range);
	if (action == AGM_SAY_SINCE || action == AGM_SAY_BEFORE || action == AGM_SAY_AFTER ||
		action == AGM_SAY_UNTIL)
	{
		*range = *period;
		range->from_open = action == AGM_SAY_BEFORE || action == AGM_SAY_UNTIL;
		range->to_open = !range->from_open;
		if (action == AGM_SAY_BEFORE)
			range->to = period->from;
		if (action == AGM_SAY_AFTER)
			range->from = period->to;
		return true;
	}
	if (period->instants)
		return false;
	switch (action)
	{
		case AGM_SAY_AROUND:
			*range = *period;
			range->from -= length;
			range->to += length;
			range->soft = true;
			return true;
		case AGM_SAY_BESIDE:
			return say_beside(match, range);
		case AGM_SAY_APART:
			return say_apart(match, range);
		case AGM_SAY_NTH:
			return say_nth(match, range);
		default:
			return say_around_unit(match, range);
	}
}

bool
agm_time_say(AgmTimeAction action, const AgmTimeMatch *match, const AgmTimeNow *now,
			 AgmTimeRange *range)
{
	int unit = match->value[AGM_TIME_UNIT];

	memset(range, 0, sizeof(AgmTimeRange));
	switch (action)
	{
		case AGM_SAY_DATE:
			agm_time_set_days(range, match->value[AGM_TIME_DATE],
							  match->value[AGM_TIME_DATE] + INT64CONST(1));
			return true;
		case AGM_SAY_DAY:
			return recurring(match, now, match->value[AGM_TIME_MONTH], 0,
							 has(match, AGM_TIME_DAY) ? match->value[AGM_TIME_DAY]
													  : match->value[AGM_TIME_NTH],
							 range);
		case AGM_SAY_DAYS:
			return say_days(match, now, range);
		case AGM_SAY_MONTH:
			return recurring(match, now, match->value[AGM_TIME_MONTH], 1, 0, range);
		case AGM_SAY_MONTH_OF:
			return say_month_of(match, now, range);
		case AGM_SAY_YEAR:
			return (!has(match, AGM_TIME_UNIT) || unit == AGM_UNIT_YEAR) &&
				   agm_time_of_year(match->value[AGM_TIME_YEAR], 1, 12, 0, range);
		case AGM_SAY_DECADE:
			return agm_time_of_year(match->value[AGM_TIME_DECADE], 1, 120, 0, range);
		case AGM_SAY_SEASON:
			if (!recurring(match, now, match->value[AGM_TIME_SEASON], 3, 0, range))
				return false;
			range->soft = true;
			return true;
		case AGM_SAY_QUARTER:
			return say_quarter(match, now, range);
		case AGM_SAY_WEEK:
			return say_week(match, range);
		case AGM_SAY_WEEKDAY:
			return say_weekday(match, now, range);
		case AGM_SAY_WEEKEND:
			if (!now->known || unit != AGM_UNIT_WEEKEND ||
				!agm_time_unit_around(now->today, unit,
									  agm_time_weekday(now->today) >= 6 ? 0 : -1, range))
				return false;
			range->soft = true;
			range->cycle = -7;
			return true;
		case AGM_SAY_UNIT:
			return say_unit(match, now, range);
		case AGM_SAY_FIXED:
			return say_fixed(match, now, range);
		case AGM_SAY_PART:
			return say_part(match, now, range);
		case AGM_SAY_AGO:
			return say_distance(match, now, -1, range);
		case AGM_SAY_IN:
			return (match->high[AGM_TIME_NUM] > 1 || has(match, AGM_TIME_NOW)) &&
				   say_distance(match, now, 1, range);
		case AGM_SAY_LAST:
			return say_stretch(match, now, -1, range);
		case AGM_SAY_NEXT:
			return say_stretch(match, now, 1, range);
		case AGM_SAY_VAGUE:
			return days_around(now, match->value[AGM_TIME_VAGUE], match->high[AGM_TIME_VAGUE],
							   range);
		case AGM_SAY_OTHER_DAY:
			return unit == AGM_UNIT_DAY && days_around(now, 14, 1, range);
		case AGM_SAY_THESE_DAYS:
			return unit == AGM_UNIT_DAY && days_around(now, 30, 1, range);
		case AGM_SAY_EDGE:
			return say_edge(match, now, range);
		default:
			return say_of_period(action, match, range);
	}
}
