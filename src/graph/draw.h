/*
 * draw.h
 *		Memories and the edges among them as a text that other programs draw.
 */
#ifndef AGM_GRAPH_DRAW_H
#define AGM_GRAPH_DRAW_H

#include "postgres.h"

#include "graph/scope.h"

typedef enum AgmDrawFormat
{
	AGM_DRAW_MERMAID,
	AGM_DRAW_DOT,
	AGM_DRAW_JSON
} AgmDrawFormat;

/* Raises 22023 for another name. */
extern AgmDrawFormat agm_draw_format(const char *name);

/* Of these memories; edges beyond the heaviest 1,000 at both of their ends are left out. */
extern char *agm_draw(AgmScope *scope, AgmDrawFormat format, const int64 *ids, int n);

/* The newest memories of the namespace, at most n: palloc'd. */
extern int64 *agm_newest(AgmScope *scope, int *n);

#endif
