/*
 * input.c
 *		Checks one memory and derives what can be derived without looking at others:
 *		period, confidence, hash, lexemes, locks.
 *
 * Nothing is written here, so a bad memory costs nothing and changes nothing.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "lexical/lexical.h"
#include "memory/memory.h"
#include "memory/secret.h"
#include "vector/vector.h"

/* A text that takes longer to read than an agent's whole life is a mistake. */
#define CONTENT_BYTES_MAX (16 * 1024 * 1024)
#define KEY_BYTES_MAX 512

/* With the namespace's 512 bytes this fits into an entry of a btree, whatever the block size. */
#define NAME_BYTES_MAX 1024

static const struct
{
	const char *name;
	Oid type; /* InvalidOid: agentmem.vector */
} fields[AGM_NFIELDS] = {
	[AGM_CONTENT] = {"content", TEXTOID},
	[AGM_KIND] = {"kind", TEXTOID},
	[AGM_EMBEDDING] = {"embedding", InvalidOid},
	[AGM_SUBJECT] = {"subject", TEXTOID},
	[AGM_PREDICATE] = {"predicate", TEXTOID},
	[AGM_OBJECT] = {"object", TEXTOID},
	[AGM_IMPORTANCE] = {"importance", FLOAT4OID},
	[AGM_CONFIDENCE] = {"confidence", FLOAT4OID},
	[AGM_VALID_FROM] = {"valid_from", TIMESTAMPTZOID},
	[AGM_VALID_TO] = {"valid_to", TIMESTAMPTZOID},
	[AGM_TAGS] = {"tags", TEXTARRAYOID},
	[AGM_ATTRIBUTES] = {"attributes", JSONBOID},
	[AGM_SOURCE] = {"source", TEXTOID},
	[AGM_ACTOR] = {"actor", TEXTOID},
	[AGM_PROVENANCE] = {"provenance", TEXTOID},
	[AGM_PINNED] = {"pinned", BOOLOID},
	[AGM_EXPIRES_AT] = {"expires_at", TIMESTAMPTZOID},
	[AGM_PARENT] = {"parent", INT8OID},
	[AGM_KEY] = {"key", TEXTOID},
	[AGM_SESSION] = {"session", TEXTOID},
	[AGM_TITLE] = {"title", TEXTOID},
	[AGM_LANGUAGE] = {"language", TEXTOID},
	[AGM_MODEL] = {"model", TEXTOID},
};

Oid
agm_field_type(AgmField field)
{
	return OidIsValid(fields[field].type) ? fields[field].type : agm_type_oid("vector");
}

const char *
agm_field_name(AgmField field)
{
	return fields[field].name;
}

/* The field of this name, or -1. */
int
agm_field_by_name(const char *name, int len)
{
	for (int i = 0; i < AGM_NFIELDS; i++)
		if ((int) strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
			return i;
	return -1;
}

/* The defaults of remember()'s arguments. */
void
agm_memory_init(AgmMemory *memory)
{
	memset(memory, 0, sizeof(*memory));
	memset(memory->isnull, true, sizeof(memory->isnull));
	memory->value[AGM_KIND] = CStringGetTextDatum("observation");
	memory->isnull[AGM_KIND] = false;
	memory->value[AGM_PROVENANCE] = CStringGetTextDatum("stated");
	memory->isnull[AGM_PROVENANCE] = false;
	memory->value[AGM_PINNED] = BoolGetDatum(false);
	memory->isnull[AGM_PINNED] = false;
}

static bool
text_is(const AgmMemory *memory, AgmField field, const char *word)
{
	text *value;

	if (memory->isnull[field])
		return false;
	value = DatumGetTextPP(memory->value[field]);
	return VARSIZE_ANY_EXHDR(value) == strlen(word) &&
		   memcmp(VARDATA_ANY(value), word, strlen(word)) == 0;
}

/* Bytes of a text field after folding, which is how emptiness and equality are judged. */
static int
folded_length(const AgmMemory *memory, AgmField field)
{
	text *value = DatumGetTextPP(memory->value[field]);
	int len;

	pfree(agm_lexical_fold(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &len));
	return len;
}

static void
check_content(const AgmMemory *memory)
{
	int len = VARSIZE_ANY_EXHDR(DatumGetTextPP(memory->value[AGM_CONTENT]));

	if (len > CONTENT_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("content is too long"),
				 errdetail("It has %d bytes; at most %d can be remembered as one memory.", len,
						   CONTENT_BYTES_MAX),
				 errhint("Split it into passages and give them the same parent.")));
	if (folded_length(memory, AGM_CONTENT) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("content must not be empty"),
				 errhint("Give the text that is to be remembered.")));
}

static void
check_share(const AgmMemory *memory, AgmField field)
{
	float4 value;

	if (memory->isnull[field])
		return;
	value = DatumGetFloat4(memory->value[field]);
	if (isnan(value) || value < 0 || value > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 0 and 1, not %g", fields[field].name, value),
						errhint("Leave it out for the default.")));
}

static void
check_provenance(const AgmMemory *memory)
{
	static const char *const known[] = {"stated",	 "inferred", "corrected",
										"validated", "observed", "imported"};

	for (size_t i = 0; i < lengthof(known); i++)
		if (text_is(memory, AGM_PROVENANCE, known[i]))
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown provenance \"%s\"",
					TextDatumGetCString(memory->value[AGM_PROVENANCE])),
			 errhint("Use stated, inferred, corrected, validated, observed or imported.")));
}

void
agm_check_embedding(const AgmStore *store, int dimensions, const AgmVectorData *embedding)
{
	if (dimensions == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("store \"%s\" holds no embeddings", store->name),
						errhint("Leave embedding out, or make the store with dimensions.")));
	if (embedding->dim != dimensions)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("store \"%s\" expects embeddings of %d dimensions, not %d",
							   store->name, dimensions, embedding->dim),
						errhint("Embed with the model that the store was made for.")));
}

void
agm_memory_check_embedding(const AgmWriter *writer, const AgmMemory *memory)
{
	if (!memory->isnull[AGM_MODEL] && writer->model != NULL &&
		!text_is(memory, AGM_MODEL, writer->model))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("store \"%s\" holds embeddings of model \"%s\", not \"%s\"",
						writer->store.name, writer->model,
						TextDatumGetCString(memory->value[AGM_MODEL])),
				 errhint("Vectors of different models cannot be compared: embed with the "
						 "store's model.")));
	if (memory->kind->vault && !memory->isnull[AGM_EMBEDDING])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a memory of kind \"%s\" takes no embedding", memory->kind->name),
				 errhint("Secrets are not searched: leave it out.")));
	if (!memory->isnull[AGM_EMBEDDING])
		agm_check_embedding(&writer->store, writer->dimensions,
							DatumGetAgmVector(memory->value[AGM_EMBEDDING]));
}

static void
check_tags(const AgmMemory *memory)
{
	ArrayType *tags;

	if (memory->isnull[AGM_TAGS])
		return;
	tags = DatumGetArrayTypeP(memory->value[AGM_TAGS]);
	if (ARR_NDIM(tags) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("tags must be a one-dimensional array"),
						errhint("For example '{work,urgent}'.")));
	if (array_contains_nulls(tags))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("tags must not contain null"),
				 errhint("Remove the null elements.")));
}

static void
check_attributes(const AgmMemory *memory)
{
	if (!memory->isnull[AGM_ATTRIBUTES])
		agm_attributes_require_object(DatumGetJsonbP(memory->value[AGM_ATTRIBUTES]));
}

static void
check_key(const AgmMemory *memory)
{
	int len;

	if (memory->isnull[AGM_KEY])
		return;
	len = VARSIZE_ANY_EXHDR(DatumGetTextPP(memory->value[AGM_KEY]));
	if (len < 1 || len > KEY_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("key must have 1 to %d bytes, not %d", KEY_BYTES_MAX, len),
						errhint("A key is the application's own name for the memory.")));
}

/*
 * A name, not a text: it is a key of an index.  Empty means unknown; the columns hold NULL
 * then, so that filters need not know.
 */
static void
check_name(AgmMemory *memory, AgmField field)
{
	int len;

	if (memory->isnull[field])
		return;
	len = folded_length(memory, field);
	if (len == 0)
		memory->isnull[field] = true;
	else if (Max(len, (int) VARSIZE_ANY_EXHDR(DatumGetTextPP(memory->value[field]))) >
			 NAME_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s is too long", fields[field].name),
						errdetail("It may have %d bytes, as written and after folding.",
								  NAME_BYTES_MAX),
						errhint("Long text belongs into content or attributes.")));
}

static void
derive_period(AgmMemory *memory)
{
	AgmPeriod *period = &memory->period;

	period->from_open = memory->isnull[AGM_VALID_FROM];
	period->to_open = memory->isnull[AGM_VALID_TO];
	if (!period->from_open)
		period->from = DatumGetTimestampTz(memory->value[AGM_VALID_FROM]);
	if (!period->to_open)
		period->to = DatumGetTimestampTz(memory->value[AGM_VALID_TO]);
	agm_period_normalise(period);
	if (!memory->isnull[AGM_EXPIRES_AT] &&
		TIMESTAMP_IS_NOEND(DatumGetTimestampTz(memory->value[AGM_EXPIRES_AT])))
		memory->isnull[AGM_EXPIRES_AT] = true;
}

/* Confidence where none is given: the end of the kind's band that the provenance earns. */
static void
derive_confidence(AgmMemory *memory)
{
	bool high = text_is(memory, AGM_PROVENANCE, "stated") ||
				text_is(memory, AGM_PROVENANCE, "validated") ||
				text_is(memory, AGM_PROVENANCE, "corrected");

	if (!memory->isnull[AGM_CONFIDENCE] || !memory->kind->has_band)
		return;
	memory->value[AGM_CONFIDENCE] =
		Float4GetDatum(high ? memory->kind->confidence_high : memory->kind->confidence_low);
	memory->isnull[AGM_CONFIDENCE] = false;
}

/*
 * The timeline that the memory has a place in: a key exists where the kind replaces values and
 * subject and predicate are both given.
 */
void
agm_memory_derive_key(AgmWriter *writer, AgmMemory *memory)
{
	text *predicate;
	char *folded;
	int len;

	if (memory->isnull[AGM_SUBJECT] || memory->isnull[AGM_PREDICATE])
		return;
	predicate = DatumGetTextPP(memory->value[AGM_PREDICATE]);
	folded = agm_lexical_fold(VARDATA_ANY(predicate), VARSIZE_ANY_EXHDR(predicate), &len);
	memory->key_of_many = agm_writer_predicate_has_many(writer, folded, len);
	if (!memory->kind->replace)
		return;
	memory->has_key_hash = true;
	agm_key_hash(memory, &memory->key_hash);
}

static void
derive_language(const AgmWriter *writer, AgmMemory *memory)
{
	if (!memory->isnull[AGM_LANGUAGE])
		return;
	memory->value[AGM_LANGUAGE] = CStringGetTextDatum(writer->language);
	memory->isnull[AGM_LANGUAGE] = false;
}

void
agm_memory_derive_lexemes(AgmMemory *memory)
{
	text *content = DatumGetTextPP(memory->value[AGM_CONTENT]);
	/* A caption is listed, not searched. */
	int len = memory->kind->vault ? 0 : VARSIZE_ANY_EXHDR(content);
	Oid config = agm_lexical_config(TextDatumGetCString(memory->value[AGM_LANGUAGE]), false);

	memory->lexemes = agm_lexemes_make(config, VARDATA_ANY(content), len, &memory->tokens);
}

void
agm_memory_refuse_retired(const AgmMemory *memory)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("kind \"%s\" is retired", memory->kind->name),
			 errhint("Its memories can be read and changed; new ones need another kind.")));
	pg_unreachable();
}

/* Everything but what is made of the words: refuses, and fills in defaults. */
void
agm_memory_check(AgmWriter *writer, AgmMemory *memory)
{
	static const AgmField required[] = {AGM_CONTENT, AGM_KIND, AGM_PROVENANCE, AGM_PINNED};

	for (size_t i = 0; i < lengthof(required); i++)
		agm_require_not_null(memory->isnull[required[i]], fields[required[i]].name);
	check_content(memory);
	memory->kind = agm_writer_kind(writer, memory->value[AGM_KIND]);
	check_share(memory, AGM_IMPORTANCE);
	check_share(memory, AGM_CONFIDENCE);
	check_provenance(memory);
	agm_memory_check_embedding(writer, memory);
	check_tags(memory);
	check_attributes(memory);
	if (memory->kind->vault)
		agm_secret_take(memory);
	agm_attributes_check(memory->kind, memory->isnull[AGM_ATTRIBUTES]
										   ? NULL
										   : DatumGetJsonbP(memory->value[AGM_ATTRIBUTES]));
	check_key(memory);
	check_name(memory, AGM_SUBJECT);
	check_name(memory, AGM_PREDICATE);
	check_name(memory, AGM_OBJECT);
	check_name(memory, AGM_SESSION);
	derive_period(memory);
	derive_confidence(memory);
	derive_language(writer, memory);
}

void
agm_memory_prepare(AgmWriter *writer, AgmMemory *memory)
{
	agm_memory_check(writer, memory);
	agm_memory_derive_lexemes(memory);
	agm_statement_hash(memory, &memory->statement);
	agm_memory_derive_key(writer, memory);
	if (memory->has_key_hash)
		memory->locks[memory->nlocks++] = agm_statement_lock(&memory->key_hash);
	if (memory->kind->reinforce)
		memory->locks[memory->nlocks++] = agm_statement_lock(&memory->statement);
	if (!memory->isnull[AGM_KEY])
		memory->locks[memory->nlocks++] = agm_key_lock(memory->value[AGM_KEY]);
	agm_writer_use_language(writer, TextDatumGetCString(memory->value[AGM_LANGUAGE]));
}
