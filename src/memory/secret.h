/*
 * secret.h
 *		Credentials: a memory holds the caption, table secret the value.
 *
 * No value passes through a row of memory, a message, a plan's constants or the audit.
 * Rules: src/memory/README.md, "Secrets".
 */
#ifndef AGM_MEMORY_SECRET_H
#define AGM_MEMORY_SECRET_H

#include "postgres.h"

#include "memory/memory.h"

/* Moves the value, if one was given, out of the attributes. */
extern void agm_secret_take(AgmMemory *memory);

/* attributes that revise() puts in place of others keep when the value was set. */
extern Datum agm_secret_keep_mark(Datum attributes, Datum old);

/* Makes the value that was given the current one of a memory that has just been written. */
extern void agm_secret_write(AgmWriter *writer, const AgmMemory *memory, int64 id);

/* Another memory says again what `source` says: it has its value too. */
extern void agm_secret_copy(AgmWriter *writer, int64 source, int64 id);

/* The version held at `known_at` is the current one again: so is the value of that time. */
extern void agm_secret_return(AgmWriter *writer, int64 id, TimestampTz known_at);

/* The current value, which the caller has been found to be allowed; NULL if there is none. */
extern text *agm_secret_read(AgmWriter *writer, int64 id);

#endif
