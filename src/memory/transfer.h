/*
 * transfer.h
 *		A namespace as lines of JSON: out of one store, and into another.
 *
 * Format and rules: src/memory/README.md, "Export and import".
 */
#ifndef AGM_MEMORY_TRANSFER_H
#define AGM_MEMORY_TRANSFER_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "memory/memory.h"

/* The version of the format that is written, and the only one that is read. */
#define AGM_EXPORT_FORMAT 1

/* export.c: `params` has the namespace as $1. */
extern void agm_export(const AgmStore *store, const AgmParams *params, bool secrets,
					   Tuplestorestate *lines);

/* import.c: returns how many lines of each type there were. */
extern Jsonb *agm_import(AgmWriter *writer, ArrayType *lines, bool remap);

#endif
