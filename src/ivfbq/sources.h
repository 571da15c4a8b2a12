/*
 * sources.h
 *		Which lists may have the rows that a scan asks for, fixed at one moment.
 */
#ifndef AGM_IVFBQ_SOURCES_H
#define AGM_IVFBQ_SOURCES_H

#include "ivfbq/list.h"
#include "ivfbq/target.h"

typedef struct IvfbqSource
{
	IvfbqListRef ref;
	IvfbqListData list;
	const uint32 *tags;		   /* of a node: only rows with these; NULL: all */
	const IvfbqTarget *target; /* of a node: only rows that it matches; NULL: all */
} IvfbqSource;

/* A list of a clustered key; there are many. */
typedef struct IvfbqRankedList
{
	IvfbqListData list;
	IvfbqCellRef cell;
	float rank; /* README.md, "Recall target" */
	int place;	/* of its base: in the sources' places, or -1: not looked up */
} IvfbqRankedList;

typedef struct IvfbqSources
{
	double threshold;  /* lists up to this rank are near */
	IvfbqSource *flat; /* lists that are read in any case */
	int nflat;
	int flat_max;
	IvfbqRankedList *lists; /* of clustered keys */
	int nlists;
	int lists_max;
	IvfbqPlace *places;
	int nplaces;
	int places_max;
	IvfbqSource *tids; /* rows without a direction */
	int ntids;
	int tids_max;
} IvfbqSources;

/*
 * query NULL: lists have no rank.  recall: what is near.  In the current memory context; the target must
 * stay.
 */
extern void ivfbq_sources_find(IvfbqSources *sources, Relation index, const IvfbqIndex *info,
							   const IvfbqTarget *target, const IvfbqQuery *query,
							   double recall);

/* Brings the lists that are near to the front, in no order; returns how many there are. */
extern int ivfbq_sources_near(IvfbqSources *sources);
/* Orders the lists from number `first` on by rank. */
extern void ivfbq_sources_sort(IvfbqSources *sources, int first);

#endif
