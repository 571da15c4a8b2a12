/*
 * query.h
 *		A query that the user gave as text: run as him, and only to read.
 */
#ifndef AGM_BASE_QUERY_H
#define AGM_BASE_QUERY_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"

/* Called once, before the first row: raises what it has to say of the columns. */
typedef void (*AgmQueryStartFn)(TupleDesc desc, void *arg);
typedef void (*AgmQueryRowFn)(TupleTableSlot *slot, void *arg);

/*
 * Runs `sql`, between agm_spi_begin and agm_spi_end; rows stream into the callback and are not
 * kept.  `argument` names the text in messages.  Raises 22023 unless it is one SELECT (or VALUES,
 * TABLE) that changes nothing, 25006 if a function that it calls tries to.
 */
extern uint64 agm_query_read(const char *sql, const char *argument, AgmQueryStartFn start,
							 AgmQueryRowFn row, void *arg);

#endif
