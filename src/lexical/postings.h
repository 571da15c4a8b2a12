/*
 * postings.h
 *		The keys of many new rows, put into a GIN index of bigint[] at once.
 *
 * GIN descends, unpacks and packs a posting list for each key of each row.  Rows that one
 * statement inserts share most of their keys: collected, each key is put in once, with all its rows.
 * Between begin and end the index gets one key of each row by itself; the others come at
 * flush, which must be reached before anyone may look for them.  An error in between leaves
 * nothing but rows of an aborted transaction.  src/lexical/README.md, "Keys of many rows".
 */
#ifndef AGM_LEXICAL_POSTINGS_H
#define AGM_LEXICAL_POSTINGS_H

#include "postgres.h"

#include "fmgr.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/* Collects from now on, if the table has exactly one index whose keys can be collected. */
extern void agm_postings_begin(Relation table);

/* The keys of one row: false if they are to be inserted as ever, else but the first is kept. */
extern bool agm_postings_keep(const Datum *keys, int n);

/* All rows are there: where they are, in the order in which they came. */
extern void agm_postings_flush(const ItemPointerData *rows, int n);

/* Collects no more; after an error too. */
extern void agm_postings_end(void);

/* The function of the operator class by which GIN asks for a row's keys. */
extern Datum agm_fn_bigint_overlap_extract(PG_FUNCTION_ARGS);

#endif
