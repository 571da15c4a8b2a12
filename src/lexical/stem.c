/*
 * stem.c
 *		One word through the dictionaries of a configuration.
 *
 * Words recur, and a stemmer costs a microsecond: lexemes are kept as long as the backend
 * lives, a few thousand of one configuration at a time.  They are forgotten when there are too
 * many, or when anything about text search changes; both between two texts only, so that what
 * was handed out stays.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "lexical/lexical.h"
#include "lexical/stem.h"

/* Words that are kept; beyond that, those of the text are worked out each time. */
#define STEMS_MAX 8192

/* Words longer than that recur seldom. */
#define STEM_BYTES_MAX 64

#define STEM_KINDS (AGM_TOKEN_EMOJI + 1)
#define STEM_DICTIONARIES_MAX 8

typedef struct StemEntry
{
	AgmTerm word;
	uint32 hash;
	char status;
	const char *lexemes[2]; /* as one of ASCII, else as any other */
	bool known[2];
} StemEntry;

#define SH_PREFIX stem
#define SH_ELEMENT_TYPE StemEntry
#define SH_KEY_TYPE AgmTerm
#define SH_KEY word
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key).word, (key).len)
#define SH_EQUAL(table, a, b) ((a).len == (b).len && memcmp((a).word, (b).word, (a).len) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static MemoryContext context = NULL; /* holds the words and lexemes */
static MemoryContext scratch = NULL; /* what dictionaries leave behind */
static stem_hash *stems = NULL;
static Oid current = InvalidOid; /* whose they are */
static bool stale = true;
static bool watched = false;

static int ndictionaries[STEM_KINDS];
static Oid dictionaries[STEM_KINDS][STEM_DICTIONARIES_MAX];

/* Something about text search changed. */
static void
forget(Datum argument, int cacheid, uint32 hashvalue)
{
	(void) argument;
	(void) cacheid;
	(void) hashvalue;
	stale = true;
}

void
agm_stem_begin(Oid config)
{
	const TSConfigCacheEntry *entry;

	if (!watched)
	{
		CacheRegisterSyscacheCallback(TSCONFIGOID, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(TSCONFIGMAP, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(TSDICTOID, forget, (Datum) 0);
		watched = true;
	}
	if (!stale && current == config && stems->members < STEMS_MAX)
		return;

	stale = true;
	if (scratch == NULL)
		scratch = AllocSetContextCreate(TopMemoryContext, "agentmem stemmed word",
										ALLOCSET_SMALL_SIZES);
	if (context == NULL)
		context =
			AllocSetContextCreate(TopMemoryContext, "agentmem stems", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(context);
	stems = stem_create(context, 512, NULL);
	current = config;

	/* Copied: the cache may be rebuilt while a dictionary is loaded. */
	entry = lookup_ts_config_cache(config);
	memset(ndictionaries, 0, sizeof(ndictionaries));
	for (int kind = 0; kind < STEM_KINDS && kind < entry->lenmap; kind++)
	{
		const ListDictionary *list = &entry->map[kind];

		for (int i = 0; i < list->len && i < STEM_DICTIONARIES_MAX; i++)
			dictionaries[kind][ndictionaries[kind]++] = list->dictIds[i];
	}
	stale = false;
}

static const char *
lexize(AgmTokenKind kind, const char *word, int len)
{
	for (int i = 0; i < ndictionaries[kind]; i++)
	{
		TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(dictionaries[kind][i]);
		DictSubState state = {false, false, NULL};
		const TSLexeme *lexemes = (const TSLexeme *) DatumGetPointer(
			FunctionCall4(&dictionary->lexize, PointerGetDatum(dictionary->dictData),
						  PointerGetDatum(word), Int32GetDatum(len), PointerGetDatum(&state)));

		if (lexemes == NULL)
			continue;
		if (lexemes->lexeme == NULL || (lexemes->flags & TSL_FILTER) == 0)
			return lexemes->lexeme;
		word = lexemes->lexeme;
		len = strlen(word);
	}
	return NULL;
}

/* The lexeme in `target`, and what it took to find it gone. */
static const char *
lexize_into(MemoryContext target, AgmTokenKind kind, const char *word, int len)
{
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	const char *lexeme = lexize(kind, word, len);

	MemoryContextSwitchTo(caller);
	if (lexeme != NULL)
		lexeme = MemoryContextStrdup(target, lexeme);
	MemoryContextReset(scratch);
	return lexeme;
}

const char *
agm_stem(AgmTokenKind kind, const char *word, int len)
{
	AgmTerm key = {word, len};
	int which = kind == AGM_TOKEN_ASCII_WORD ? 0 : 1;
	const char *lexeme;
	StemEntry *entry;
	bool found;

	if (len > STEM_BYTES_MAX || kind > AGM_TOKEN_NUMBER_WORD)
		return lexize_into(CurrentMemoryContext, kind, word, len);
	entry = stem_lookup(stems, key);
	if (entry != NULL && entry->known[which])
		return entry->lexemes[which];
	if (stems->members >= STEMS_MAX)
		return lexize_into(CurrentMemoryContext, kind, word, len);

	lexeme = lexize_into(context, kind, word, len);
	entry = stem_insert(stems, key, &found);
	if (!found)
	{
		char *copy = MemoryContextAlloc(context, len);

		memcpy(copy, word, len);
		entry->word.word = copy;
		entry->known[0] = entry->known[1] = false;
	}
	entry->lexemes[which] = lexeme;
	entry->known[which] = true;
	return lexeme;
}
