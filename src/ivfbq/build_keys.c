/*
 * build_keys.c
 *		Writing what a build has spooled, a key at a time (build_keys.h).
 *
 * Keys come in the order of their hashes, which is the order of the trie's leaves: so a leaf's rows come one
 * after the other, and once its last hash is passed nothing more is written to it.  For that
 * the trie must be there before the first row: its shape is taken from the hashes alone, which are
 * sorted beside the rows.
 */
#include "postgres.h"

#include "ivfbq/build_keys.h"
#include "ivfbq/options.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* The trie's shape is counted up to this depth; below it nodes are split as inserts do. */
#define SHAPE_DEPTH_MAX 20
#define SHAPE_DEPTH_MIN 4

/* A key's rows up to this many, and those without a direction, are kept until it is known whether it has more. */
#define SMALL_MAX IVFBQ_PROMOTE_ROWS

/* What is written of one list. */
typedef struct Chain
{
	IvfbqListRef ref;
	IvfbqAppender *appender; /* NULL: nothing yet */
} Chain;

typedef struct Writer
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	IvfbqSpooled *spooled;
	Size memory;
	BlockNumber mean;
	const IvfbqBase *base; /* of lists in the directory */
	Size row_size;
	int64 flat_limit;

	/* changes */
	bool clustered;		   /* a key is */
	MemoryContext context; /* of a key or leaf that is being written */

	/* with key columns: the next row of the sort */
	bool more;
	IvfbqKey key;
	const char *bytes;
	int n;

	/* the leaf that is being filled */
	bool has_leaf;
	uint64 leaf_last; /* the last hash that is in it */
	Chain leaf_rows;
	Chain leaf_tids;

	/* keys that have more than flat_limit rows, by their hashes, in order */
	uint64 *large;
	int nlarge;
	int next_large;
} Writer;

/* ---------------------------------------------------------------- lists */

static Chain
chain_of(IvfbqCellRef cell, uint8 role)
{
	return (Chain){.ref = {cell, role}};
}

/* A row, or the TID of one without a direction. */
static void
append(Writer *writer, Chain *chain, const char *bytes, const uint32 *tags)
{
	bool is_row = chain->ref.role == IVFBQ_ROLE_ROWS;
	ItemPointerData tid;

	CHECK_FOR_INTERRUPTS();
	if (chain->appender == NULL)
		chain->appender = ivfbq_append_begin(
			writer->index, writer->info, chain->ref, tags != NULL, is_row ? writer->base : NULL,
			is_row ? writer->mean : InvalidBlockNumber, 0, true);
	memcpy(&tid, is_row ? bytes + offsetof(IvfbqRowHeadData, tid) : bytes, sizeof(tid));
	ivfbq_append_row(chain->appender, is_row ? bytes : NULL, &tid, tags, NULL, NULL);
}

/* Ends the chain and puts it into its cell. */
static void
finish(Writer *writer, Chain *chain)
{
	IvfbqListData list;
	IvfbqChange change;
	Buffer buffer;

	if (chain->appender == NULL)
		return;
	ivfbq_append_end(chain->appender, InvalidBlockNumber, &list);
	chain->appender = NULL;
	buffer = ivfbq_read(writer->index, chain->ref.cell.block, IVFBQ_PAGE_DIRECTORY,
						BUFFER_LOCK_EXCLUSIVE);
	change = ivfbq_change_begin(writer->index, true);
	*ivfbq_list_on_page(writer->index, writer->info->nkeys,
						ivfbq_change_page(&change, buffer, false), chain->ref) = list;
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

/* Nothing of a key is in the nodes above it; a clustered one has lists. */
static void
mark_key(Writer *writer, IvfbqCellRef ref, const IvfbqClustered *clustered)
{
	Buffer buffer =
		ivfbq_read(writer->index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	IvfbqChange change = ivfbq_change_begin(writer->index, true);
	IvfbqCellData *cell =
		ivfbq_directory_cell(writer->index, writer->info->nkeys,
							 ivfbq_change_page(&change, buffer, false), ref.block, ref.index);

	cell->flags |= IVFBQ_KEY_BROUGHT;
	if (clustered != NULL)
		ivfbq_set_clustered(cell, clustered);
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

/* The rows of a key, `rows` of them, that are in files: into lists, or one list if they are not that many. */
static void
write_files(Writer *writer, IvfbqCellRef key, BufFile **files, int nfiles, int64 rows,
			Size memory)
{
	IvfbqFiles state = {files, nfiles, 0, writer->row_size, writer->spooled->processes};
	IvfbqRowSource source = {rows, ivfbq_files_rewind, ivfbq_files_next,
							 writer->spooled->assign, &state};
	IvfbqClustered clustered;
	int nlists = ivfbq_lists_of(writer->index, rows);

	if (nlists > 0)
	{
		ivfbq_cluster(writer->index, writer->info, key, &source, nlists, memory, true,
					  &clustered);
		mark_key(writer, key, &clustered);
		writer->clustered = true;
	}
	else
	{
		Chain chain = chain_of(key, IVFBQ_ROLE_ROWS);
		char *row = palloc(writer->row_size);

		ivfbq_files_rewind(&state);
		while (ivfbq_files_next(&state, row))
			append(writer, &chain, row, NULL);
		finish(writer, &chain);
		pfree(row);
		mark_key(writer, key, NULL);
	}
}

/* ---------------------------------------------------------------- an index without key columns */

static void
write_tid_files(Writer *writer, IvfbqCellRef key)
{
	IvfbqSpooled *spooled = writer->spooled;
	IvfbqFiles state = {spooled->tids, spooled->nfiles, 0, sizeof(ItemPointerData), NULL};
	Chain chain = chain_of(key, IVFBQ_ROLE_TIDS);
	char tid[sizeof(ItemPointerData)];

	ivfbq_files_rewind(&state);
	while (ivfbq_files_next(&state, tid))
		append(writer, &chain, tid, NULL);
	finish(writer, &chain);
}

static void
write_only_key(Writer *writer)
{
	IvfbqSpooled *spooled = writer->spooled;
	IvfbqCellRef key = {IVFBQ_ROOT_BLOCK, 0, 0};

	write_tid_files(writer, key);
	if (spooled->totals.rows > 0)
		write_files(writer, key, spooled->rows, spooled->nfiles, spooled->totals.rows,
					writer->memory);
	else
		mark_key(writer, key, NULL);
}

/* ---------------------------------------------------------------- the shape of the trie */

/* How many rows of small keys, and how many other keys, have hashes that begin with the same bits. */
typedef struct ShapeCount
{
	uint32 rows;
	uint32 keys;
} ShapeCount;

typedef struct Shape
{
	int depth; /* bits that are counted */
	ShapeCount *counts;
	uint32 leaf_rows; /* a leaf has room for so many */
} Shape;

static void
count_key(Writer *writer, Shape *shape, uint64 hash, int64 rows)
{
	ShapeCount *count = &shape->counts[hash >> (64 - shape->depth)];

	if (rows <= SMALL_MAX)
		count->rows += (uint32) rows;
	else
		count->keys++;
	if (rows > writer->flat_limit)
	{
		if (writer->nlarge == 0)
			writer->large = palloc(sizeof(uint64));
		else if ((writer->nlarge & (writer->nlarge - 1)) == 0)
			writer->large = repalloc_huge(writer->large, sizeof(uint64) * writer->nlarge * 2);
		writer->large[writer->nlarge++] = hash;
	}
}

static void
count_keys(Writer *writer, Shape *shape)
{
	uint64 hash;
	uint64 current = 0;
	int64 rows = 0;

	while (ivfbq_numbers_next(writer->spooled->hashes, &hash))
	{
		CHECK_FOR_INTERRUPTS();
		if (rows > 0 && hash != current)
		{
			count_key(writer, shape, current, rows);
			rows = 0;
		}
		current = hash;
		rows++;
	}
	if (rows > 0)
		count_key(writer, shape, current, rows);
}

/* Gives the leaf at `prefix` children, and them, until none has too much. */
static void
split_as_counted(Writer *writer, const Shape *shape, uint64 prefix, int depth)
{
	uint64 first = prefix >> (64 - shape->depth);
	uint64 after = first + (UINT64CONST(1) << (shape->depth - depth));
	uint64 rows = 0;
	uint64 keys = 0;
	IvfbqKey key = {.hash = prefix};
	IvfbqCell leaf;

	for (uint64 i = first; i < after; i++)
	{
		rows += shape->counts[i].rows;
		keys += shape->counts[i].keys;
	}
	if (depth == shape->depth || (rows <= shape->leaf_rows && keys <= IVFBQ_LEAF_KEYS))
		return;
	if (ivfbq_directory_find(writer->index, writer->info, &key, NULL, NULL, &leaf))
		elog(ERROR, "an index that is being built has a key already");
	ivfbq_directory_split(writer->index, writer->info, &leaf, true);
	split_as_counted(writer, shape, prefix, depth + 1);
	split_as_counted(writer, shape, prefix | (UINT64CONST(1) << (63 - depth)), depth + 1);
}

static void
make_trie(Writer *writer)
{
	const IvfbqGeometry *geometry = writer->spooled->totals.dim > 0
										? &writer->info->tagged_rows
										: &writer->info->tagged_tids;
	Shape shape = {.depth = SHAPE_DEPTH_MIN};

	/* As many rows as inserts would let it have: whole pages. */
	shape.leaf_rows = (uint32) (Max(1, IVFBQ_NODE_ROWS / geometry->slots) * geometry->slots);
	while (shape.depth < SHAPE_DEPTH_MAX &&
		   (writer->spooled->totals.entries >> shape.depth) > shape.leaf_rows / 16)
		shape.depth++;
	shape.counts = palloc0(sizeof(ShapeCount) * ((Size) 1 << shape.depth));
	count_keys(writer, &shape);
	tuplesort_end(writer->spooled->hashes);
	writer->spooled->hashes = NULL;
	split_as_counted(writer, &shape, 0, 0);
	pfree(shape.counts);
}

/* ---------------------------------------------------------------- keys in the trie */

static void
next_row(Writer *writer)
{
	writer->more = ivfbq_sort_next(writer->spooled->by_key, &writer->key.hash, writer->key.tags,
								   &writer->bytes, &writer->n);
}

static bool
is_key(const Writer *writer, const IvfbqKey *key)
{
	return writer->more && writer->key.hash == key->hash &&
		   memcmp(writer->key.tags, key->tags, sizeof(uint32) * writer->info->nkeys) == 0;
}

/* What was put into the sort: a row, or the TID of one without a direction. */
static bool
is_row(int n)
{
	return n != (int) sizeof(ItemPointerData);
}

static void
finish_leaf(Writer *writer)
{
	if (!writer->has_leaf)
		return;
	finish(writer, &writer->leaf_rows);
	finish(writer, &writer->leaf_tids);
	writer->has_leaf = false;
}

/* Makes the leaf of this hash the one that is filled. */
static void
go_to_leaf(Writer *writer, const IvfbqKey *key)
{
	IvfbqCell leaf;

	if (writer->has_leaf && key->hash <= writer->leaf_last)
		return;
	finish_leaf(writer);
	if (ivfbq_directory_find(writer->index, writer->info, key, NULL, NULL, &leaf))
		elog(ERROR, "the rows of a key came in two parts");
	writer->leaf_last = leaf.u.data.hash | (PG_UINT64_MAX >> leaf.u.data.depth);
	writer->leaf_rows = chain_of(leaf.ref, IVFBQ_ROLE_ROWS);
	writer->leaf_tids = chain_of(leaf.ref, IVFBQ_ROLE_TIDS);
	writer->has_leaf = true;
}

/* A cell for a key with lists of its own. */
static IvfbqCellRef
add_key(Writer *writer, const IvfbqKey *key)
{
	for (;;)
	{
		IvfbqCell cell;

		if (ivfbq_directory_find(writer->index, writer->info, key, NULL, NULL, &cell))
			return cell.ref;
		if (cell.keys < IVFBQ_LEAF_KEYS || cell.u.data.depth >= 63)
			ivfbq_directory_add_key(writer->index, writer->info, &cell, key, true);
		else
		{
			/* More keys than were counted here: the leaf gets no rows any more. */
			finish_leaf(writer);
			ivfbq_directory_split(writer->index, writer->info, &cell, true);
		}
	}
}

/* The first rows of a key, kept until it is known what is to become of them. */
typedef struct First
{
	IvfbqKey key;
	int count;
	char *bytes; /* SMALL_MAX + 1 places of max_bytes */
	int max_bytes;
	int sizes[SMALL_MAX + 1];
} First;

static const char *
first_row(const First *first, int i)
{
	return first->bytes + (Size) first->max_bytes * i;
}

/* Up to SMALL_MAX rows, and one more if there are more: that tells. */
static void
read_first(Writer *writer, First *first)
{
	first->key = writer->key;
	for (first->count = 0; first->count <= SMALL_MAX && is_key(writer, &first->key);
		 first->count++)
	{
		first->sizes[first->count] = writer->n;
		memcpy(first->bytes + (Size) first->max_bytes * first->count, writer->bytes, writer->n);
		next_row(writer);
	}
}

static void
write_small(Writer *writer, const First *first)
{
	go_to_leaf(writer, &first->key);
	for (int i = 0; i < first->count; i++)
		append(writer, is_row(first->sizes[i]) ? &writer->leaf_rows : &writer->leaf_tids,
			   first_row(first, i), first->key.tags);
}

/* Whether the key was counted as one with more than flat_limit rows.  Keys are asked about in order. */
static bool
is_large(Writer *writer, uint64 hash)
{
	while (writer->next_large < writer->nlarge && writer->large[writer->next_large] < hash)
		writer->next_large++;
	return writer->next_large < writer->nlarge && writer->large[writer->next_large] == hash;
}

/* Where the rows of a key with a cell go to while they are read. */
typedef struct Target
{
	Chain rows;
	Chain tids;
	BufFile *file; /* NULL: into `rows`, at once */
	int64 nrows;   /* in the file */
} Target;

static void
put(Writer *writer, Target *target, const char *bytes, int n)
{
	if (!is_row(n))
		append(writer, &target->tids, bytes, NULL);
	else if (target->file == NULL)
		append(writer, &target->rows, bytes, NULL);
	else
	{
		CHECK_FOR_INTERRUPTS();
		ivfbq_file_write(target->file, bytes, n);
		target->nrows++;
	}
}

static void
write_key(Writer *writer, const First *first)
{
	IvfbqCellRef ref = add_key(writer, &first->key);
	Target target = {.rows = chain_of(ref, IVFBQ_ROLE_ROWS),
					 .tids = chain_of(ref, IVFBQ_ROLE_TIDS)};

	if (is_large(writer, first->key.hash))
		target.file = BufFileCreateTemp(false);
	for (int i = 0; i < first->count; i++)
		put(writer, &target, first_row(first, i), first->sizes[i]);
	for (; is_key(writer, &first->key); next_row(writer))
		put(writer, &target, writer->bytes, writer->n);

	finish(writer, &target.tids);
	finish(writer, &target.rows);
	if (target.nrows > 0)
		write_files(writer, ref, &target.file, 1, target.nrows, writer->memory);
	else
		mark_key(writer, ref, NULL);
	if (target.file != NULL)
		BufFileClose(target.file);
}

static void
write_all_keys(Writer *writer)
{
	First first = {.max_bytes = (int) Max(writer->row_size, sizeof(ItemPointerData))};

	first.bytes = palloc((Size) first.max_bytes * (SMALL_MAX + 1));
	make_trie(writer);
	next_row(writer);
	while (writer->more)
	{
		read_first(writer, &first);
		if (first.count <= SMALL_MAX)
			write_small(writer, &first);
		else
			write_key(writer, &first);
	}
	finish_leaf(writer);
	pfree(first.bytes);
}

bool
ivfbq_write_keys(Relation index, const IvfbqIndex *info, IvfbqSpooled *spooled, Size memory)
{
	Writer writer = {.index = index, .info = info, .spooled = spooled, .memory = memory};
	IvfbqMetaData meta;

	ivfbq_meta_read(index, &meta);
	writer.mean = meta.mean;
	writer.flat_limit = ivfbq_flat_limit(index);
	if (spooled->totals.dim > 0)
	{
		writer.base = ivfbq_index_base(index, meta.mean);
		writer.row_size = IVFBQ_ROW_SIZE(info->dim);
	}
	if (info->nkeys == 0)
		write_only_key(&writer);
	else
		write_all_keys(&writer);
	return writer.clustered;
}
