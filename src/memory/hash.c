/*
 * hash.c
 *		The hashes under which statements are found and locked.
 *
 * SHA-256 cut short: the value is stored and dumped, so it must be the same on every
 * machine and in every version, and nobody may be able to make two statements collide.
 * Rule: src/memory/README.md, "Same statement".
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

#include "lexical/lexical.h"
#include "memory/memory.h"

static void
hash_check(int status)
{
	if (status < 0)
		elog(ERROR, "could not compute SHA-256 hash");
}

/* Length before bytes, so that ("ab", "c") and ("a", "bc") differ. */
static void
hash_piece(pg_cryptohash_ctx *ctx, const char *data, int len)
{
	uint32 size = pg_hton32((uint32) len);

	hash_check(pg_cryptohash_update(ctx, (const uint8 *) &size, sizeof(size)));
	hash_check(pg_cryptohash_update(ctx, (const uint8 *) data, len));
}

/* A field after folding; NULL and what folds to nothing are the same. */
static void
hash_field(pg_cryptohash_ctx *ctx, const AgmMemory *memory, AgmField field)
{
	text *value;
	char *folded;
	int len;

	if (memory->isnull[field])
	{
		hash_piece(ctx, "", 0);
		return;
	}
	value = DatumGetTextPP(memory->value[field]);
	folded = agm_lexical_fold(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &len);
	hash_piece(ctx, folded, len);
	pfree(folded);
}

static pg_cryptohash_ctx *
hash_begin(void)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	hash_check(pg_cryptohash_init(ctx));
	return ctx;
}

static void
hash_end(pg_cryptohash_ctx *ctx, pg_uuid_t *hash)
{
	uint8 digest[PG_SHA256_DIGEST_LENGTH];

	hash_check(pg_cryptohash_final(ctx, digest, sizeof(digest)));
	pg_cryptohash_free(ctx);
	memcpy(hash->data, digest, UUID_LEN);
}

void
agm_statement_hash(const AgmMemory *memory, pg_uuid_t *hash)
{
	pg_cryptohash_ctx *ctx = hash_begin();

	hash_piece(ctx, memory->kind->name, strlen(memory->kind->name));
	hash_field(ctx, memory, AGM_CONTENT);
	hash_field(ctx, memory, AGM_SUBJECT);
	hash_field(ctx, memory, AGM_PREDICATE);
	hash_field(ctx, memory, AGM_OBJECT);
	hash_end(ctx, hash);
}

void
agm_key_hash(const AgmMemory *memory, pg_uuid_t *hash)
{
	pg_cryptohash_ctx *ctx = hash_begin();

	hash_piece(ctx, "timeline", 8);
	hash_piece(ctx, memory->kind->name, strlen(memory->kind->name));
	hash_field(ctx, memory, AGM_SUBJECT);
	hash_field(ctx, memory, AGM_PREDICATE);
	if (memory->key_of_many)
		hash_field(ctx, memory, AGM_OBJECT);
	hash_end(ctx, hash);
}

int64
agm_statement_lock(const pg_uuid_t *hash)
{
	uint64 lock;

	memcpy(&lock, hash->data, sizeof(lock));
	return (int64) pg_ntoh64(lock);
}

/* Of a text as it is, among those of its sort. */
void
agm_text_hash(const char *sort, Datum value, pg_uuid_t *hash)
{
	text *bytes = DatumGetTextPP(value);
	pg_cryptohash_ctx *ctx = hash_begin();

	hash_piece(ctx, sort, strlen(sort));
	hash_piece(ctx, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	hash_end(ctx, hash);
}

int64
agm_key_lock(Datum key)
{
	pg_uuid_t hash;

	agm_text_hash("key", key, &hash);
	return agm_statement_lock(&hash);
}

/* Below zero, where no memory's id is; 52 bits, which readers of JSON keep as they are. */
int64
agm_concept_id(const char *lexemes)
{
	pg_cryptohash_ctx *ctx = hash_begin();
	pg_uuid_t hash;

	hash_piece(ctx, "concept", 7);
	hash_piece(ctx, lexemes, strlen(lexemes));
	hash_end(ctx, &hash);
	return -(agm_statement_lock(&hash) & (INT64CONST(0x10000000000000) - 1)) - 1;
}
