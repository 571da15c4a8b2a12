/*
 * scope.h
 *		What one call sees of the graph of a namespace: which memories, which edges.
 *
 * An edge counts if its own period and both of its ends are there at the instant asked.
 * Everything is read a frontier at a time, one statement each.  src/graph/README.md, "Edges".
 */
#ifndef AGM_GRAPH_SCOPE_H
#define AGM_GRAPH_SCOPE_H

#include "postgres.h"

#include "storage/itemptr.h"

#include "base/direct.h"
#include "base/spi.h"
#include "memory/filter.h"

/* The edges that end in a memory are counted up to here, to know how much of a hub it is. */
#define AGM_DEGREE_CAP 32

#define AGM_OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"

/* A row of the table edge_type, or a type that only edges have: it conducts nothing. */
typedef struct AgmEdgeType
{
	char *name;
	int length;
	double weight;
	bool directed;
	bool wanted; /* by the caller */
} AgmEdgeType;

/* A memory that was looked up and is there, and where. */
typedef struct AgmSeen
{
	int64 id;
	AgmSource source;
	ItemPointerData tid;
} AgmSeen;

typedef struct AgmScope
{
	const AgmStore *store;
	AgmFilter filter; /* the clocks; which states are shown */
	ArrayType *wanted;
	bool hidden; /* memories of the namespace are archived or forgotten */
	bool memories_only;
	double concepts; /* times the weight of edges to concepts */
	AgmEdgeType *types;
	int ntypes;
	int types_room;
	AgmSeen *seen; /* NULL: not kept */
	int nseen;
	int seen_room;

	/* the indexes of edges by their target and by their source, where they may be read directly */
	bool opened;
	AgmDirect *direct[2];
	/* the same of memories and concepts, and where rows of memories have what counts */
	bool looks;
	bool has_concepts;
	AgmDirect *memories;
	AgmDirect *concept_ids;
	AttrNumber kind;
	AttrNumber valid_period;
	AttrNumber expires_at;
	struct varlena *period; /* the last that was compared with the instant ... */
	bool holds;				/* ... and whether it contains it */

	/* the statements, and their parameters but for the nodes, which come second */
	AgmParams base;
	char *edges_sql;
	AgmParams edges_params;
	char *raw_sql;
	AgmParams raw_params;
	char *there_sql;
	AgmParams there_params;
	char *degrees_sql;
	AgmParams degrees_params;
} AgmScope;

/* What the caller asks for; the namespace is $1 of `params`. */
typedef struct AgmScopeRequest
{
	const AgmStore *store;
	const AgmParams *params;
	ArrayType *types;	/* NULL: all */
	bool memories_only; /* as if there were no concepts */
	double concepts;	/* what an edge to one conducts, times this; 0: as it stands */
	bool has_valid_at;
	TimestampTz valid_at;
	bool has_known_at;
	TimestampTz known_at;
	const AgmFilter *checked; /* what it read of the store serves here too; NULL: none */
	bool keeps_seen;
} AgmScopeRequest;

/* Between agm_spi_begin and agm_spi_end.  Raises 22023 for a type that the store has not. */
extern void agm_scope_open(AgmScope *scope, const AgmScopeRequest *request);
/* After anything was read. */
extern void agm_scope_close(AgmScope *scope);

/* An edge at a node, seen from it. */
typedef struct AgmEdge
{
	int64 node;
	int64 other;
	float4 weight;
	int type;	   /* index of types */
	bool outgoing; /* node is its source */
	bool counts;   /* is of a wanted type, and holds at the instant */
} AgmEdge;

typedef void (*AgmEdgeFn)(const AgmEdge *edge, void *arg);

/*
 * The edges of each node in either direction, the heaviest first, at most limits[i] of each
 * direction.  Those that count only; or, `raw`, all of them, so that no more are read than
 * are returned.
 */
extern void agm_scope_edges(AgmScope *scope, bool raw, const int64 *nodes, const int64 *limits,
							int n, AgmEdgeFn fn, void *arg);

typedef void (*AgmCountFn)(int64 id, int64 count, void *arg);

/* Calls back with those of the memories that are there. */
extern void agm_scope_visible(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn,
							  void *arg);

/* ... and with each of them, ascending, and how many edges end in it, counted to AGM_DEGREE_CAP. */
extern void agm_scope_degrees(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn,
							  void *arg);

/* For agm_scope_close. */
extern void agm_there_close(AgmScope *scope);

#endif
