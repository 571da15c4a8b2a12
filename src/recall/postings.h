/*
 * postings.h
 *		The index of words read directly: in which rows of a namespace a word occurs.
 *
 * A bitmap scan gives the rows of all words together and reads each of them; here every word has
 * lists of its own, one for each class of rows, so that a row's score has a bound before it is read.
 */
#ifndef AGM_RECALL_POSTINGS_H
#define AGM_RECALL_POSTINGS_H

#include "postgres.h"

#include "storage/itemptr.h"

#include "recall/recall.h"

/* Entries of indexes as numbers in the order of the table: source << 48 | block << 16 | offset. */
#define AGM_ENTRY(source, block, offset)                                                       \
	((uint64) (source) << 48 | (uint64) (block) << 16 | (offset))
#define AGM_ENTRY_SOURCE(entry) ((AgmSource) ((entry) >> 48))
#define AGM_ENTRY_BLOCK(entry) ((BlockNumber) ((entry) >> 16))
#define AGM_ENTRY_OFFSET(entry) ((OffsetNumber) ((entry) &0xffff))

/* Entries of the index, ascending. */
typedef struct AgmPostingList
{
	uint64 *entries;
	int64 n;
} AgmPostingList;

/* A word's lists by class, of rows that the snapshot sees and that were held then; `n` of all. */
typedef struct AgmWordLists
{
	AgmPostingList classes[AGM_KEY_CLASSES];
	int64 n;
} AgmWordLists;

typedef struct AgmPostings AgmPostings;

/*
 * The lists of each word; NULL where they may not be read directly, see postings.c.  Locks stay until
 * the transaction ends, as those of statements do.
 */
extern AgmPostings *agm_postings_open(const AgmRecall *recall, const AgmSearched *searched);
extern AgmWordLists *agm_postings_read(AgmPostings *postings, const AgmWords *words);
extern void agm_postings_close(AgmPostings *postings);

/* The row version that the snapshot sees of an entry's; false if it sees none. */
extern bool agm_postings_row(AgmPostings *postings, uint64 entry, AgmSource *source,
							 ItemPointer tid);

#endif
