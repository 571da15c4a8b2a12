/*
 * append.h
 *		Writing a whole chain of pages that nothing reaches yet: by builds and by maintenance.
 *
 * Pages are filled in memory and written once each, with their refine pages; a page is allocated when
 * it is begun, so that the one before can name it.
 */
#ifndef AGM_IVFBQ_APPEND_H
#define AGM_IVFBQ_APPEND_H

#include "ivfbq/list.h"

typedef struct IvfbqAppender IvfbqAppender;

/*
 * The chain will be `ref`'s, its rows relative to base (of base_block, base_slot as IvfbqListData has them).  In
 * the current memory context.
 */
extern IvfbqAppender *ivfbq_append_begin(Relation index, const IvfbqIndex *info,
										 IvfbqListRef ref, bool tagged, const IvfbqBase *base,
										 BlockNumber base_block, uint16 base_slot,
										 bool building);
/* A row with its TID; its code is computed here.  row NULL: of a list of tids.  *slot, *block: where. */
extern void ivfbq_append_row(IvfbqAppender *appender, const char *row, ItemPointer tid,
							 const uint32 *tags, BlockNumber *block, int *slot);
extern int64 ivfbq_append_rows(const IvfbqAppender *appender);
/*
 * Writes what is left; the last page's next is `next` (Invalid: none).  Sets *list: head, tail, pages, base
 * (free: none).  Without rows: no pages, head and tail Invalid.
 */
extern void ivfbq_append_end(IvfbqAppender *appender, BlockNumber next, IvfbqListData *list);

#endif
