/*
 * memory.h
 *		One memory on its way into a store, and the policy it is written under.
 *
 * The fields stand in the order of remember()'s arguments after (store, namespace), so
 * that the SQL boundary copies arguments by position and a batch by name.
 * Rules: src/memory/README.md.
 */
#ifndef AGM_MEMORY_MEMORY_H
#define AGM_MEMORY_MEMORY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "tsearch/ts_type.h"
#include "utils/uuid.h"

#include "base/spi.h"
#include "base/store.h"
#include "temporal/period.h"
#include "vector/vector.h"

typedef enum AgmField
{
	AGM_CONTENT,
	AGM_KIND,
	AGM_EMBEDDING,
	AGM_SUBJECT,
	AGM_PREDICATE,
	AGM_OBJECT,
	AGM_IMPORTANCE,
	AGM_CONFIDENCE,
	AGM_VALID_FROM,
	AGM_VALID_TO,
	AGM_TAGS,
	AGM_ATTRIBUTES,
	AGM_SOURCE,
	AGM_ACTOR,
	AGM_PROVENANCE,
	AGM_PINNED,
	AGM_EXPIRES_AT,
	AGM_PARENT,
	AGM_KEY,
	AGM_SESSION,
	AGM_TITLE,
	AGM_LANGUAGE,
	AGM_MODEL,
	AGM_NFIELDS
} AgmField;

/* What a kind's row says about writing. */
typedef struct AgmKindPolicy
{
	char *name;
	bool vault;		/* class vault: not for this table */
	bool reinforce; /* the same statement again is the same memory */
	bool has_band;
	float4 confidence_low;
	float4 confidence_high;
} AgmKindPolicy;

typedef struct AgmMemory
{
	/* set by the caller */
	Datum value[AGM_NFIELDS];
	bool isnull[AGM_NFIELDS];

	/* set by agm_memory_prepare */
	AgmPeriod period; /* from is not set yet where valid_from was not given */
	const AgmKindPolicy *kind;
	pg_uuid_t statement; /* content_hash */
	TSVector lexemes;
	int32 tokens;
	int nlocks; /* rows of key_lock to take before anything is read */
	int64 locks[2];
} AgmMemory;

/* What one call of remember or remember_many knows of its store and namespace. */
typedef struct AgmWriter
{
	AgmStore store;
	Datum ns;		/* text */
	int dimensions; /* 0: text only */
	char *language;
	char *model;		 /* NULL: any */
	List *kinds;		 /* of AgmKindPolicy, as they come up */
	List *languages;	 /* of char *: those the namespace is known to use */
	List *new_languages; /* those of this call that it is not known to use yet */
} AgmWriter;

typedef enum AgmAction
{
	AGM_INSERTED,
	AGM_REINFORCED,
} AgmAction;

typedef struct AgmWritten
{
	int64 id;
	AgmAction action;
} AgmWritten;

/* writer.c: what holds for the whole call. */
extern void agm_writer_open(AgmWriter *writer, const char *store, Datum ns);
extern const AgmKindPolicy *agm_writer_kind(AgmWriter *writer, Datum kind);
extern void agm_writer_use_language(AgmWriter *writer, char *language);
extern void agm_writer_lock(AgmWriter *writer, int64 *hashes, int n);

/* input.c: checks and derives everything that needs no look at other memories. */
extern void agm_memory_init(AgmMemory *memory);
extern void agm_memory_prepare(AgmWriter *writer, AgmMemory *memory);
extern void agm_check_embedding(const AgmStore *store, int dimensions,
								const AgmVectorData *embedding);
extern Oid agm_field_type(AgmField field);
extern const char *agm_field_name(AgmField field);
extern int agm_field_by_name(const char *name, int len);

/* write.c: with the locks held, reinforces or inserts. */
extern void agm_memory_write(AgmWriter *writer, AgmMemory *memory, AgmWritten *written);

/* hash.c: 128 bits that name a statement, 64 that name a lock. */
extern void agm_statement_hash(const AgmMemory *memory, pg_uuid_t *hash);
extern int64 agm_statement_lock(const pg_uuid_t *hash);
extern int64 agm_key_lock(Datum key);

#endif
