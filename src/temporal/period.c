/*
 * period.c
 *		Arithmetic of periods.
 *
 * An open end is a flag here and a NULL bound in a table, never the value 'infinity':
 * a range with an infinite bound and one without it would compare as different.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "temporal/period.h"

void
agm_period_normalise(AgmPeriod *period)
{
	bool never = (!period->from_open && TIMESTAMP_IS_NOEND(period->from)) ||
				 (!period->to_open && TIMESTAMP_IS_NOBEGIN(period->to));

	if (!period->from_open && TIMESTAMP_IS_NOBEGIN(period->from))
		period->from_open = true;
	if (!period->to_open && TIMESTAMP_IS_NOEND(period->to))
		period->to_open = true;
	if (never || (!period->from_open && !period->to_open && period->to <= period->from))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("valid_to must be later than valid_from"),
				 never ? errdetail("The period would contain no instant.")
					   : errdetail("valid_from is %s, valid_to is %s.",
								   pstrdup(timestamptz_to_str(period->from)),
								   pstrdup(timestamptz_to_str(period->to))),
				 errhint("A period contains its beginning but not its end; leave valid_to out "
						 "while it lasts.")));
}
