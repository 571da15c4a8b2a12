/*
 * names.h
 *		The entity channel: is a memory about, or by, what the query names?
 */
#ifndef AGM_RECALL_NAMES_H
#define AGM_RECALL_NAMES_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "recall/recall.h"

typedef struct AgmNames AgmNames;

/* What agm_names_score reads of memory c: subject, object, actor, beginning of the content. */
#define AGM_NAME_COLUMNS                                                                       \
	"c.subject, c.object, c.actor,"                                                            \
	" CASE WHEN c.kind OPERATOR(pg_catalog.=) 'episode'"                                       \
	" THEN pg_catalog.left(c.content, 48) END"
#define AGM_NO_NAME_COLUMNS                                                                    \
	"NULL::pg_catalog.text, NULL::pg_catalog.text, NULL::pg_catalog.text, "                    \
	"NULL::pg_catalog.text"
#define AGM_NAME_TYPES "t?t?t?t?"

/* In the memory context at hand, as all that it remembers. */
extern AgmNames *agm_names_open(const AgmSearched *searched, const AgmWords *words);

/* README rule 15; the columns begin with that of number `first`. */
extern double agm_names_score(AgmNames *names, TupleTableSlot *slot, int first);

#endif
