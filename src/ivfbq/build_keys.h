/*
 * build_keys.h
 *		Writing what a build has spooled, a key at a time.
 */
#ifndef AGM_IVFBQ_BUILD_KEYS_H
#define AGM_IVFBQ_BUILD_KEYS_H

#include "ivfbq/spool.h"

/*
 * Writes all rows into an index that has a meta page, a mean (or none) and an empty directory.  The
 * pages are not logged.  Returns whether a key is clustered.
 */
extern bool ivfbq_write_keys(Relation index, const IvfbqIndex *info, IvfbqSpooled *spooled,
							 Size memory);

#endif
