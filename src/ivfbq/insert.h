/*
 * insert.h
 *		aminsert.
 */
#ifndef AGM_IVFBQ_INSERT_H
#define AGM_IVFBQ_INSERT_H

#include "postgres.h"

#include "access/genam.h"
#include "storage/itemptr.h"

struct IndexInfo;

extern bool ivfbqinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid,
						Relation heap, IndexUniqueCheck check_unique, bool index_unchanged,
						struct IndexInfo *index_info);

#endif
