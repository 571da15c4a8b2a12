/*
 * keys.c
 *		Under which keys a memory's words are in the index: README, "Keys".
 *
 * A pure file, but for the hash.
 */
#include "postgres.h"

#include "common/hashfn.h"

#include "lexical/lexical.h"

/* Frequencies of a class, and lengths: the greatest of each; the last has no end. */
#define LENGTH_CLASSES 8
static const int32 frequency_ends[] = {1, 2, 3, PG_INT32_MAX};
static const int32 length_ends[LENGTH_CLASSES] = {8, 12, 17, 24, 48, 96, 256, PG_INT32_MAX};

StaticAssertDecl(lengthof(frequency_ends) * LENGTH_CLASSES == AGM_KEY_CLASSES,
				 "a class must fit the bits that keys have for it");

int64
agm_lexeme_key(const char *ns, int ns_len, const char *word, int len)
{
	uint64 seed = hash_bytes_extended((const unsigned char *) ns, ns_len, 0);
	uint64 hash = hash_bytes_extended((const unsigned char *) word, len, seed);

	return (int64) (hash & ~AGM_KEY_CLASS_MASK);
}

static int
class_of(const int32 *ends, int32 value)
{
	int class = 0;

	while (value > ends[class])
		class ++;
	return class;
}

int
agm_key_class(int32 frequency, int32 length)
{
	return class_of(frequency_ends, frequency) * LENGTH_CLASSES + class_of(length_ends, length);
}

void
agm_key_class_bounds(int class, int32 *frequency, int32 *length)
{
	int shortest = class % LENGTH_CLASSES;

	*frequency = frequency_ends[class / LENGTH_CLASSES];
	*length = shortest == 0 ? 0 : length_ends[shortest - 1] + 1;
}
