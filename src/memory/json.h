/*
 * json.h
 *		An element of remember_many's array, read into a memory.
 */
#ifndef AGM_MEMORY_JSON_H
#define AGM_MEMORY_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "memory/memory.h"

/*
 * Fills the memory from an object whose keys are arguments of remember(); a JSON null
 * leaves the argument's default.  `ns` is the batch's namespace, which the object may
 * repeat.  Raises 22023 naming the key and the type it wants.
 */
extern void agm_memory_from_json(AgmMemory *memory, const JsonbValue *element, Datum ns);

/* The same over what is there: defaults of another caller. */
extern void agm_memory_read_json(AgmMemory *memory, const JsonbValue *element, Datum ns);

/* {"name": "value"}; the value is a text. */
extern Jsonb *agm_json_pair(const char *name, Datum value);

#endif
