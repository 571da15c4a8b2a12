/*
 * options.h
 *		Reloptions and settings.
 */
#ifndef AGM_IVFBQ_OPTIONS_H
#define AGM_IVFBQ_OPTIONS_H

#include "postgres.h"

#include "utils/rel.h"

/* A key of up to so many rows is one list; read live. */
#define IVFBQ_DEFAULT_FLAT_LIMIT 64000
#define IVFBQ_MIN_FLAT_LIMIT 100
#define IVFBQ_MAX_FLAT_LIMIT 10000000
/* Rows of a list of a larger key; read live. */
#define IVFBQ_DEFAULT_LIST_SIZE 1000
#define IVFBQ_MIN_LIST_SIZE 50
#define IVFBQ_MAX_LIST_SIZE 100000
/* Bits a dimension of the refinement; kept in the meta page. */
#define IVFBQ_DEFAULT_REFINE 8

typedef struct IvfbqOptions
{
	int32 vl_len_;
	int flat_limit;
	int list_size;
	int refine;
} IvfbqOptions;

extern int ivfbq_flat_limit(Relation index);
extern int ivfbq_list_size(Relation index);

/* Settings: agentmem.ivfbq_recall, agentmem.ivfbq_epsilon, agentmem.ivfbq_exact. */
extern double ivfbq_recall;
extern double ivfbq_epsilon; /* -1: by the kind of key */
extern bool ivfbq_exact;

/* Defines reloptions and settings; from _PG_init. */
extern void ivfbq_init(void);
extern bytea *ivfbqoptions(Datum reloptions, bool validate);

#endif
