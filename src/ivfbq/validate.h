/*
 * validate.h
 *		What an operator class must have, and which columns an index may have.
 */
#ifndef AGM_IVFBQ_VALIDATE_H
#define AGM_IVFBQ_VALIDATE_H

#include "postgres.h"

#include "utils/rel.h"

extern bool ivfbqvalidate(Oid opclass);

/* Raises an error unless there are key columns first, then one of vectors. */
extern void ivfbq_check_columns(Relation index);

#endif
