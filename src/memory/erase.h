/*
 * erase.h
 *		Removing memories with all that the store has of them, and what forbids it.
 *
 * Rules: src/memory/README.md, "Erasing".
 */
#ifndef AGM_MEMORY_ERASE_H
#define AGM_MEMORY_ERASE_H

#include "postgres.h"

#include "memory/memory.h"

/* What to erase: one of the first three. */
typedef struct AgmErasure
{
	bool by_ids;
	bool by_subject;
	bool everything;
	Datum ids;	   /* bigint[] */
	Datum subject; /* text */
	bool derived;  /* what was derived from it too */
} AgmErasure;

/* Returns the receipt.  Raises 55006 if the namespace is held, 40001. */
extern Jsonb *agm_erase(AgmWriter *writer, const AgmErasure *erasure);

/*
 * Takes out how memories that are gone wrote their concepts; before their edges, as others that
 * mention one name it then.
 */
extern void agm_erase_names(AgmWriter *writer, const int64 *ids, int n);

/* A namespace that is held cannot be erased from.  False: it was not held. */
extern void agm_hold(AgmWriter *writer, Datum reason);
extern bool agm_release(AgmWriter *writer);

#endif
