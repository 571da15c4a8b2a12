/*
 * target.h
 *		What a scan asks for, out of its scan keys: keys of the index, a query, a range.
 */
#ifndef AGM_IVFBQ_TARGET_H
#define AGM_IVFBQ_TARGET_H

#include "access/skey.h"
#include "ivfbq/meta.h"

typedef struct IvfbqTarget
{
	bool nothing; /* no row can qualify */

	/* Keys: all of them (complete), those with some tags, or none given. */
	bool complete;
	IvfbqKey *keys;
	int nkeys;
	bool *wanted;  /* of each key column: is it given? */
	uint32 **tags; /* of each given column: what it may be */
	int *ntags;
	bool any_given;

	/* Order. */
	bool ordered;
	bool null_query;
	const float *query; /* NULL: none, or a NULL query */
	int query_dim;

	/* Range. */
	bool ranged;
	const float *center;
	int center_dim;
	double radius;
} IvfbqTarget;

/* In the current memory context. */
extern void ivfbq_target_init(IvfbqTarget *target, Relation index, ScanKey keys, int nkeys,
							  ScanKey orderbys, int norderbys);

/* Can a key with these tags be among those asked for? */
extern bool ivfbq_target_matches(const IvfbqTarget *target, int ncolumns, const uint32 *tags);

#endif
