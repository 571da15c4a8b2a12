/*
 * spool.h
 *		What a build's scan of the table makes: the 8-bit rows, in files or sorted by key, their number
 *		and mean.
 *
 * A process that scans fills an IvfbqSpool.  What all processes have filled is an IvfbqSpooled, which is
 * read when the scan is over.
 */
#ifndef AGM_IVFBQ_SPOOL_H
#define AGM_IVFBQ_SPOOL_H

#include "ivfbq/cluster.h"
#include "ivfbq/sort.h"
#include "nodes/execnodes.h"
#include "storage/buffile.h"
#include "storage/sharedfileset.h"

/* What is known of the rows of a spool; sums are added up over processes. */
typedef struct IvfbqTotals
{
	double heap_rows;
	int64 entries; /* of the index */
	int64 rows;	   /* those with a direction */
	int dim;	   /* 0: no row yet */
	double square; /* sum of the rows' squared lengths */
} IvfbqTotals;

typedef struct IvfbqSpool
{
	/* set once */
	Relation index;
	int nkeys;
	SharedFileSet *fileset; /* files are for others, too; NULL: ours alone */
	int number;				/* of the process, for the names of its files */
	MemoryContext context;	/* reset for each row */

	/* changes */
	IvfbqIndex *info;
	IvfbqTotals totals;
	double *sum; /* of the rows, dim */
	char *row;
	IvfbqSort *by_key;		/* with key columns: rows by hash of the key */
	Tuplesortstate *hashes; /* the same of the hashes alone, to be counted before */
	BufFile *rows;			/* without: 8-bit rows */
	BufFile *tids;			/* TIDs of rows without a direction */
} IvfbqSpool;

/* Sorts that several processes share, as coordinated by whoever shares them; else both NULL. */
typedef struct IvfbqCoordinates
{
	SortCoordinate by_key;
	SortCoordinate hashes;
} IvfbqCoordinates;

extern void ivfbq_spool_begin(IvfbqSpool *spool, Relation index, Size memory,
							  IvfbqCoordinates coordinates, SharedFileSet *fileset, int number);
/* Scans the table, or our part of it. */
extern void ivfbq_spool_scan(IvfbqSpool *spool, Relation heap, struct IndexInfo *index_info,
							 struct TableScanDescData *scan, bool progress);
/* Sorts, or leaves files for others. */
extern void ivfbq_spool_finish(IvfbqSpool *spool);

/* What was spooled, by one process or many. */
typedef struct IvfbqSpooled
{
	IvfbqTotals totals;
	double *sum;
	IvfbqSort *by_key;
	Tuplesortstate *hashes;
	int nfiles;
	BufFile **rows;
	BufFile **tids;
	/* Of the source of the rows, if there are other processes; its arg is an IvfbqFiles. */
	struct IvfbqSort *(*assign)(void *arg, const IvfbqKmeans *kmeans, int64 *counts,
								double *squares);
	void *processes;
} IvfbqSpooled;

/* The spool of the only process. */
extern void ivfbq_spooled_by_one(IvfbqSpooled *spooled, IvfbqSpool *spool);
/* Sorts end, files are closed. */
extern void ivfbq_spooled_free(IvfbqSpooled *spooled);

/* Rows of files one after the other, as ivfbq_cluster() wants them; for rewind and next of the source. */
typedef struct IvfbqFiles
{
	BufFile **files;
	int nfiles;
	int current;
	Size row_size;
	void *processes; /* of IvfbqSpooled */
} IvfbqFiles;

/* Files of process number n in a file set. */
extern BufFile *ivfbq_file_open(SharedFileSet *fileset, const char *what, int number);
extern BufFile *ivfbq_file_create(SharedFileSet *fileset, const char *what, int number);
/* Reads exactly n bytes. */
extern void ivfbq_file_read(BufFile *file, void *bytes, Size n);

extern void ivfbq_files_rewind(void *arg);
extern bool ivfbq_files_next(void *arg, char *row);

/* BufFileWrite(), whose pointer was not const before 16. */
extern void ivfbq_file_write(BufFile *file, const void *bytes, Size n);

#endif
