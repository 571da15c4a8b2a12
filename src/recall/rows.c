/*
 * rows.c
 *		Reading again the rows of memories that were found: by where they lie.
 *
 * README, "Rows".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "storage/itemptr.h"
#include "utils/array.h"

#include "recall/rows.h"

/*
 * A place is a block and an offset, 0 where it is not known, and these.  It is not known where a
 * table has partitions, and where a row came without ctid: see the README.
 */
#define TID_BITS 48
#define IN_HISTORY (UINT64CONST(1) << TID_BITS)
#define THERE (UINT64CONST(1) << (TID_BITS + 1))

#define TID_OF(place) ((place) & (IN_HISTORY - 1))

AgmPlace
agm_place(const AgmRecall *recall, AgmSource source, const ItemPointerData *tid)
{
	AgmPlace place = THERE | (source == AGM_HISTORY ? IN_HISTORY : 0);

	if (recall->store.partitioned || !ItemPointerIsValid(tid))
		return place;
	return place | (uint64) ItemPointerGetBlockNumber(tid) << 16 |
		   ItemPointerGetOffsetNumber(tid);
}

AgmPlace
agm_place_of(const AgmRecall *recall, AgmSource source, TupleTableSlot *slot, int attno)
{
	bool isnull;
	Datum value = slot_getattr(slot, attno, &isnull);

	return agm_place(recall, source, (const ItemPointerData *) DatumGetPointer(value));
}

static bool
is_of(const AgmHit *hit, AgmSource source)
{
	return ((hit->place & IN_HISTORY) != 0) == (source == AGM_HISTORY);
}

/* By place only if all have one. */
static bool
have_places(const AgmHit *hits, int n)
{
	for (int i = 0; i < n; i++)
		if (TID_OF(hits[i].place) == 0)
			return false;
	return true;
}

static Datum
place_array(const AgmHit *hits, int n, AgmSource source, int *found)
{
	ItemPointerData *tids = palloc(sizeof(ItemPointerData) * n);
	Datum *items = palloc(sizeof(Datum) * n);

	*found = 0;
	for (int i = 0; i < n; i++)
		if (is_of(&hits[i], source))
		{
			uint64 tid = TID_OF(hits[i].place);

			ItemPointerSet(&tids[*found], (BlockNumber) (tid >> 16), (OffsetNumber) tid);
			items[*found] = PointerGetDatum(&tids[*found]);
			(*found)++;
		}
	return PointerGetDatum(
		construct_array(items, *found, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

static Datum
id_array(const AgmHit *hits, int n, AgmSource source, int *found)
{
	int64 *ids = palloc(sizeof(int64) * n);

	*found = 0;
	for (int i = 0; i < n; i++)
		if (is_of(&hits[i], source))
			ids[(*found)++] = hits[i].id;
	return agm_int8_array(ids, *found);
}

bool
agm_rows_begin(AgmRows *rows, const AgmRecall *recall, const AgmSearched *searched,
			   AgmSource source, const AgmHit *hits, int n, bool passed)
{
	Datum array;
	int found;

	if (n == 0 || !agm_filter_needs(&recall->filter, source))
		return false;
	memset(rows, 0, sizeof(*rows));
	rows->recall = recall;
	rows->source = source;
	rows->by_place = have_places(hits, n);
	rows->passed = passed;
	array = rows->by_place ? place_array(hits, n, source, &found)
						   : id_array(hits, n, source, &found);
	if (found == 0)
		return false;
	agm_param(&rows->params, TEXTOID, searched->name, false);
	agm_param(&rows->params, rows->by_place ? TIDARRAYOID : INT8ARRAYOID, array, false);
	initStringInfo(&rows->sql);
	appendStringInfoString(&rows->sql, "SELECT ");
	return true;
}

void
agm_rows_from(AgmRows *rows)
{
	appendStringInfoString(
		&rows->sql, rows->by_place
						? " FROM (SELECT "
						: " FROM pg_catalog.unnest($2) i(id) CROSS JOIN LATERAL (SELECT ");
}

void
agm_rows_end(AgmRows *rows, const AgmSearched *searched)
{
	const AgmFilter *filter = &rows->recall->filter;

	appendStringInfoString(
		&rows->sql, rows->passed ? " FROM " : " FROM (SELECT m.* FROM (SELECT c.* FROM ");
	if (rows->by_place)
		appendStringInfo(&rows->sql,
						 "(SELECT c.*, c.ctid FROM {store}.%s c"
						 " WHERE c.ctid OPERATOR(pg_catalog.=) ANY ($2)) c WHERE true",
						 rows->source == AGM_MEMORY ? "memory" : "memory_history");
	else
		agm_filter_version(filter, rows->source, "c.id OPERATOR(pg_catalog.=) i.id", &rows->sql,
						   &rows->params);
	if (!rows->passed)
	{
		appendStringInfoString(&rows->sql, ") m WHERE true");
		agm_filter_append(filter, searched->has_hidden, &rows->sql, &rows->params);
		appendStringInfoString(&rows->sql, ") c");
	}
	/* Not to be joined otherwise: base/README.md, rule 10. */
	appendStringInfoString(&rows->sql, " OFFSET 0) m");
}

void
agm_rows_read(AgmRows *rows, AgmColumns columns, AgmRowFn row, void *arg)
{
	(void) agm_execute(&rows->recall->store, rows->sql.data, &rows->params,
					   AGM_READ | AGM_PLAN_GENERIC, columns, row, arg);
}
