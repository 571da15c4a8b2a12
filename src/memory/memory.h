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
#include "fmgr.h"
#include "tsearch/ts_type.h"
#include "utils/jsonb.h"
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

/* An attribute that a kind declares; what is below `resolved` is looked up at first need. */
typedef struct AgmAttribute
{
	char *name;
	char *type_name;
	bool required;
	bool resolved;
	Oid type; /* of an array: of its elements */
	int32 typmod;
	bool array;
	bool json; /* takes any JSON value */
	FmgrInfo input;
	Oid io_param;
} AgmAttribute;

/* What a kind's row says about writing. */
typedef struct AgmKindPolicy
{
	char *name;
	bool vault; /* class vault: the value goes to table secret */
	bool episodic;
	bool structural;
	bool retired; /* takes no new memories */
	List *attributes;
	bool reinforce; /* the same statement again is the same memory */
	bool replace;	/* a new value of the same subject and predicate ends the old one */
	bool annotate;	/* ... is noted as a conflict */
	bool has_threshold;
	float4 conflict_threshold;
	bool has_band;
	float4 confidence_low;
	float4 confidence_high;
} AgmKindPolicy;

/* Edges of a type that a memory gets by itself, at most. */
#define AGM_EDGES_MAX 64

/* The statement, the key_hash, the key. */
#define AGM_LOCKS_MAX 3

typedef struct AgmMemory
{
	/* set by the caller */
	Datum value[AGM_NFIELDS];
	bool isnull[AGM_NFIELDS];

	/* set by agm_memory_prepare */
	AgmPeriod period; /* from is not set yet where valid_from was not given */
	const AgmKindPolicy *kind;
	pg_uuid_t statement; /* content_hash */
	bool has_key_hash;	 /* subject and predicate name a timeline */
	pg_uuid_t key_hash;
	bool key_of_many; /* the predicate has many values at a time */
	TSVector lexemes;
	int32 tokens;
	bool has_secret; /* a kind of class vault was given a value */
	Datum secret;	 /* text */
	int nlocks;		 /* rows of key_lock to take before anything is read */
	int64 locks[AGM_LOCKS_MAX];
} AgmMemory;

/* A memory that one which was written may contradict. */
typedef struct AgmRaised
{
	int64 written;
	int64 other;
	const char *reason;
	float4 similarity;
	bool has_similarity;
} AgmRaised;

/* What one writing call knows of its store and namespace. */
/* An edge to be written. */
typedef struct AgmNewEdge
{
	int64 source;
	int64 target;
	const char *type;
	float4 weight;
} AgmNewEdge;

typedef struct AgmWriter
{
	AgmStore store;
	MemoryContext context; /* of kinds and predicates */
	int access;			   /* AGM_AS_OWNER: policy and locks, whatever the caller may read */
	int reads;			   /* likewise: other memories */
	Datum ns;			   /* text */
	int dimensions;		   /* 0: text only */
	const char *distance_operator;
	bool numbered;	 /* its operation is in the audit */
	int64 operation; /* its number, once the locks are held; else 0 */
	int64 memories;	 /* estimate for the namespace; -1: none kept */
	int64 *touched;	 /* memories that were written or removed, for the audit */
	int ntouched;
	int touched_capacity;
	int64 oldest_new; /* the least id that this call has given a memory; 0: none */
	char *language;
	char *model;  /* NULL: any */
	int concepts; /* edges to concepts that a memory gets at most; 0: none */
	bool exact;	  /* rows tell what is common, not entries */
	int similar;  /* ... to those that are most like it */
	float4 similar_threshold;
	bool embed_jobs;	 /* a memory without embedding gets a job */
	int next_dimensions; /* of the space that is being filled; 0: there is none */
	char *next_model;
	List *kinds;		 /* of AgmKindPolicy, as they come up */
	List *predicates;	 /* of AgmPredicate, as they come up */
	List *languages;	 /* of char *: those the namespace is known to use */
	List *new_languages; /* those of this call that it is not known to use yet */
	bool batch;			 /* memories of this call with greater ids are not written yet */
	int64 episode;		 /* the last of this call that has a session; 0: none */
	char *episode_session;
	TimestampTz episode_from;
	bool gathers; /* edges wait until agm_edges_write */
	AgmNewEdge *edges;
	int nedges;
	int edges_room;
	AgmRaised *raised; /* conflicts to be recorded at the end */
	int nraised;
	int raised_capacity;
} AgmWriter;

typedef enum AgmAction
{
	AGM_INSERTED,
	AGM_REINFORCED,
	AGM_SUPERSEDED,
	AGM_REVISED,
} AgmAction;

typedef struct AgmWritten
{
	int64 id;
	AgmAction action;
	int64 *related; /* reinforced, superseded, or perhaps contradicted */
	int nrelated;
} AgmWritten;

/* writer.c: what holds for the whole call. */
extern const char *agm_distance_operator(char metric);
extern double agm_similarity(char metric, double distance);
extern void agm_writer_begin(FunctionCallInfo fcinfo, AgmWriter *writer, const char *what);
extern void agm_writer_open(AgmWriter *writer, const char *store, Datum ns);
extern void agm_writer_read(AgmWriter *writer);
extern const AgmKindPolicy *agm_writer_kind(AgmWriter *writer, Datum kind);
extern bool agm_writer_predicate_has_many(AgmWriter *writer, const char *folded, int len);
extern void agm_writer_use_language(AgmWriter *writer, char *language);
extern void agm_writer_lock(AgmWriter *writer, int64 *hashes, int n);

/* input.c: checks and derives everything that needs no look at other memories. */
extern void agm_memory_init(AgmMemory *memory);
extern void agm_memory_prepare(AgmWriter *writer, AgmMemory *memory);
extern void agm_memory_check(AgmWriter *writer, AgmMemory *memory);
extern void agm_memory_derive_lexemes(AgmMemory *memory);
extern void agm_memory_derive_key(AgmWriter *writer, AgmMemory *memory);
pg_noreturn extern void agm_memory_refuse_retired(const AgmMemory *memory);
extern void agm_memory_check_embedding(const AgmWriter *writer, const AgmMemory *memory);
extern void agm_check_embedding(const AgmStore *store, int dimensions,
								const AgmVectorData *embedding);
extern Oid agm_field_type(AgmField field);
extern const char *agm_field_name(AgmField field);
extern int agm_field_by_name(const char *name, int len);

/* attribute.c: the types that kinds declare for attributes. */
extern char *agm_attribute_type(const char *name);
extern void agm_attributes_require_object(const Jsonb *attributes);
extern void agm_attributes_check(const AgmKindPolicy *kind, Jsonb *attributes);

/* A version as another store had it. */
typedef struct AgmVersion
{
	int64 id;
	bool history; /* goes to memory_history */
	Datum from;	  /* timestamptz: when it was known */
	Datum to;
	bool to_open;
} AgmVersion;

/* write.c: with the locks held, reinforces, replaces or inserts. */
extern void agm_memory_write(AgmWriter *writer, AgmMemory *memory, AgmWritten *written);
extern void agm_memory_check_parent(AgmWriter *writer, const AgmMemory *memory);
extern void agm_memory_merge(AgmWriter *writer, const AgmMemory *memory, int64 id);
/* The values of a whole row: 29 of them, as agm_memory_insert() names the columns. */
extern void agm_memory_row_params(const AgmWriter *writer, const AgmMemory *memory,
								  AgmParams *params);
extern int64 agm_memory_insert(AgmWriter *writer, const AgmMemory *memory);
extern void agm_memory_insert_version(AgmWriter *writer, const AgmMemory *memory,
									  const AgmVersion *version);
extern void agm_memory_overwrite(AgmWriter *writer, const AgmMemory *memory, int64 id);
extern void agm_written_relate(AgmWritten *written, int64 id);

/* Ids of memories, ascending. */
typedef struct AgmKept
{
	int64 *ids;
	int n;
} AgmKept;

/* operation.c: what a call changed, for audit and restore. */
extern void agm_operation_touch(AgmWriter *writer, int64 id);
/* ... that it has made, under an id of its own. */
extern void agm_operation_made(AgmWriter *writer, int64 id);
extern void agm_operation_note(AgmWriter *writer, const char *action, Jsonb *details);
extern void agm_operation_record(AgmWriter *writer, const char *action, Jsonb *details);
/* Who refers to memories keeps them until it ends; skip: but for those that others take out now. */
extern AgmKept agm_rows_keep(AgmWriter *writer, const int64 *ids, int n, bool skip);

/*
 * Edges of the call's operation; one that is there stays as it is.  Between agm_edges_gather and
 * agm_edges_write they wait, and are written by one statement: `type` must outlive that.
 */
extern void agm_add_edge(AgmWriter *writer, int64 source, int64 target, const char *type);
extern void agm_add_weighted_edge(AgmWriter *writer, int64 source, int64 target,
								  const char *type, float4 weight);
extern void agm_edges_gather(AgmWriter *writer);
extern void agm_edges_write(AgmWriter *writer);

/* A space of embeddings: the store's, and the one that is being filled beside it. */
typedef enum AgmSpace
{
	AGM_SPACE_CURRENT,
	AGM_SPACE_NEXT,
} AgmSpace;

/* queue.c: jobs for embeddings; how many were queued.  The last thing that a call does. */
extern int64 agm_queue_embeddings(const AgmStore *store, AgmSpace space, Datum ns,
								  const int64 *ids, int n, int32 priority);
extern void agm_queue_notify(const AgmStore *store);

/* episode.c: joins a new episode to the one before it. */
extern void agm_episode_link(AgmWriter *writer, const AgmMemory *memory, int64 id);
extern bool agm_episode_is(const AgmMemory *memory);
extern bool agm_episode_follows(const AgmWriter *writer, const AgmMemory *before,
								const AgmMemory *memory);

/* mention.c: joins a memory to the concepts of its content; fresh: it has no edges yet. */
extern void agm_mentions_write(AgmWriter *writer, const AgmMemory *memory, int64 id,
							   bool fresh);
extern void agm_edges_refresh(AgmWriter *writer, int64 id);

/* timeline.c: places a value among those of its key. */
extern bool agm_timeline_place(AgmWriter *writer, AgmMemory *memory, AgmWritten *written);
extern void agm_timeline_check(AgmWriter *writer, const pg_uuid_t *key_hash, int64 id,
							   const AgmPeriod *period);

/* What is like a memory, nearest first, or speaks of the same. */
typedef struct AgmLike
{
	int64 id;
	float4 similarity; /* cosine */
	bool has_similarity;
} AgmLike;

typedef struct AgmLikes
{
	int n;
	AgmLike items[AGM_EDGES_MAX];
} AgmLikes;

/* At most so many of each sort are conflicts of one memory. */
#define AGM_CONFLICTS_MAX 5

/* conflict.c: looks for what a new memory may contradict; what was found is recorded at the end. */
extern void agm_conflict_search(AgmWriter *writer, const AgmMemory *memory,
								AgmWritten *written);
extern void agm_conflict_record(AgmWriter *writer);
extern void agm_find_same_key(AgmWriter *writer, const AgmMemory *memory, int64 id,
							  AgmLikes *found);
/*
 * The n nearest of the same kind whose period meets its own; least: those of a smaller cosine need not be among
 * them; older: of smaller ids only.
 */
extern void agm_find_near(AgmWriter *writer, const AgmMemory *memory, int64 id, int n,
						  float8 least, bool older, AgmLikes *found);
extern void agm_similar_refresh(AgmWriter *writer, const AgmMemory *memory, int64 id);

/* hash.c: 128 bits that name a statement, 64 that name a lock or, negative, a concept. */
extern void agm_statement_hash(const AgmMemory *memory, pg_uuid_t *hash);
extern int64 agm_statement_lock(const pg_uuid_t *hash);
extern void agm_text_hash(const char *sort, Datum value, pg_uuid_t *hash);
extern int64 agm_key_lock(Datum key);
extern int64 agm_concept_id(const char *lexemes);
extern void agm_key_hash(const AgmMemory *memory, pg_uuid_t *hash);

#endif
