/*
 * server.c
 *		See server.h.  What is not here and is called all the same ends the process, because
 *		the target is linked with unresolved symbols.
 */
#include "server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compat.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"

#undef vsnprintf
#undef free
#undef malloc

/* Every chunk of memory, so that all of them can be freed. */
typedef struct Chunk
{
	struct Chunk *next;
	struct Chunk **link;
	Size size;
	Size unused; /* aligns what follows as malloc does */
} Chunk;

sigjmp_buf fuzz_error;

/* Some of these are used by the C library of PostgreSQL. */
MemoryContext CurrentMemoryContext = NULL;

static Chunk *chunks;

/* By malloc, a chunk each: the sanitizer sees where it ends. */
void *
palloc(Size size)
{
	Chunk *chunk = malloc(sizeof(Chunk) + size);

	chunk->size = size;
	chunk->next = chunks;
	chunk->link = &chunks;
	if (chunks != NULL)
		chunks->link = &chunk->next;
	chunks = chunk;
	return chunk + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Chunk *chunk = (Chunk *) pointer - 1;

	*chunk->link = chunk->next;
	if (chunk->next != NULL)
		chunk->next->link = chunk->link;
	free(chunk);
}

void *
repalloc(void *pointer, Size size)
{
	Chunk *chunk = (Chunk *) pointer - 1;
	void *result = palloc(size);

	memcpy(result, pointer, Min(size, chunk->size));
	pfree(pointer);
	return result;
}

char *
pnstrdup(const char *in, Size size)
{
	Size length = strnlen(in, size);
	char *result = palloc(length + 1);

	memcpy(result, in, length);
	result[length] = '\0';
	return result;
}

char *
psprintf(const char *format, ...)
{
	va_list args;
	char buffer[1024];

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	return pnstrdup(buffer, sizeof(buffer));
}

void
fuzz_free_all(void)
{
	while (chunks != NULL)
		pfree(chunks + 1);
}

/* Errors: what they say is of no interest, but must not crash. */

bool
errstart(int elevel, const char *domain)
{
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return true;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	siglongjmp(fuzz_error, 1);
}

int
errcode(int sqlerrcode)
{
	return 0;
}

#define MESSAGE_FUNCTION(name)                                                                 \
	int name(const char *format, ...)                                                          \
	{                                                                                          \
		va_list args;                                                                          \
		char buffer[256];                                                                      \
                                                                                               \
		va_start(args, format);                                                                \
		vsnprintf(buffer, sizeof(buffer), format, args);                                       \
		va_end(args);                                                                          \
		return 0;                                                                              \
	}

MESSAGE_FUNCTION(errmsg)
MESSAGE_FUNCTION(errmsg_internal)
MESSAGE_FUNCTION(errdetail)
MESSAGE_FUNCTION(errdetail_internal)
MESSAGE_FUNCTION(errhint)

#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *condition, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *type, const char *file, int line)
#endif
{
	abort();
}

/* Nothing is compressed or out of line here. */
struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	return datum;
}

/* Messages. */

void
enlargeStringInfo(StringInfo str, int needed)
{
	int size = str->maxlen;

	while (size - str->len <= needed)
		size *= 2;
	str->data = repalloc(str->data, size);
	str->maxlen = size;
}

const char *
pq_getmsgbytes(StringInfo msg, int length)
{
	const char *result = msg->data + msg->cursor;

	if (length < 0 || length > msg->len - msg->cursor)
		siglongjmp(fuzz_error, 1);
	msg->cursor += length;
	return result;
}

unsigned int
pq_getmsgint(StringInfo msg, int length)
{
	uint16 n16;
	uint32 n32;

	if (length == 2)
	{
		memcpy(&n16, pq_getmsgbytes(msg, 2), 2);
		return pg_ntoh16(n16);
	}
	memcpy(&n32, pq_getmsgbytes(msg, 4), 4);
	return pg_ntoh32(n32);
}

void
pq_begintypsend(StringInfo buf)
{
	buf->maxlen = 64;
	buf->data = palloc0(buf->maxlen);
	buf->len = VARHDRSZ;
	buf->cursor = 0;
}

bytea *
pq_endtypsend(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

Datum
fuzz_call(PGFunction function, int nargs, const Datum *args)
{
	LOCAL_FCINFO(fcinfo, 4);

	memset(fcinfo, 0, SizeForFunctionCallInfo(4));
	fcinfo->nargs = (short) nargs;
	for (int i = 0; i < nargs; i++)
		fcinfo->args[i].value = args[i];
	return function(fcinfo);
}

static Datum
read_text(const FuzzType *type, const char *text)
{
	Datum args[] = {CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};

	return fuzz_call(type->in, 3, args);
}

static Datum
read_binary(const FuzzType *type, char *data, int size)
{
	StringInfoData message = {.data = data, .len = size, .maxlen = size + 1};
	Datum args[] = {PointerGetDatum(&message), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)};
	Datum result = fuzz_call(type->recv, 3, args);

	/* The server refuses a message that was not read to its end. */
	if (message.cursor != message.len)
		siglongjmp(fuzz_error, 1);
	return result;
}

bool
fuzz_same_bytes(Datum a, Datum b)
{
	void *x = DatumGetPointer(a);
	void *y = DatumGetPointer(b);

	return VARSIZE(x) == VARSIZE(y) && memcmp(x, y, VARSIZE(x)) == 0;
}

void
fuzz_check_round_trips(const FuzzType *type, Datum value)
{
	bytea *sent = DatumGetByteaP(fuzz_call(type->send, 1, &value));
	char *text = DatumGetCString(fuzz_call(type->out, 1, &value));

	MUST(fuzz_same_bytes(value, read_text(type, text)));
	MUST(fuzz_same_bytes(value, read_binary(type, VARDATA(sent), VARSIZE(sent) - VARHDRSZ)));
}

/* The bytes behind the varlena header, of a page that was damaged. */
static Datum
make_stored(const char *data, size_t size)
{
	struct varlena *stored = palloc(VARHDRSZ + size);

	SET_VARSIZE(stored, VARHDRSZ + size);
	memcpy(VARDATA(stored), data, size);
	return PointerGetDatum(stored);
}

void
fuzz_type(const FuzzType *type, const uint8 *data, size_t size)
{
	if (size == 0)
		return;

	if (sigsetjmp(fuzz_error, 0) == 0)
	{
		char *copy = palloc(size);

		memcpy(copy, data + 1, size - 1);
		copy[size - 1] = '\0';
		switch (data[0] % 3)
		{
			case 0:
				type->check_value(read_text(type, copy));
				break;
			case 1:
				type->check_value(read_binary(type, copy, (int) size - 1));
				break;
			default:
				type->check_stored(make_stored(copy, size - 1));
		}
	}
	fuzz_free_all();
}
