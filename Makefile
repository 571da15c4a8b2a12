# agentmem: build with PGXS.  `./check` and `./demo` do everything for you;
# `make && make install` is for those who know PGXS.

EXTENSION = agentmem
EXTVERSION = 0.1.0
MODULE_big = agentmem

# One list a domain, in layer order (src/README.md).
OBJS = \
	src/module.o \
	src/base/descend.o \
	src/base/direct.o \
	src/base/guc.o \
	src/base/point.o \
	src/base/query.o \
	src/base/recent.o \
	src/base/shard_names.o \
	src/base/shards.o \
	src/base/shards_fn.o \
	src/base/spi.o \
	src/base/store.o \
	src/base/tables.o \
	src/vector/aggregate_fn.o \
	src/vector/arithmetic_fn.o \
	src/vector/array.o \
	src/vector/bit_fn.o \
	src/vector/checks.o \
	src/vector/compare_fn.o \
	src/vector/halfvec.o \
	src/vector/halfvec_aggregate_fn.o \
	src/vector/halfvec_arithmetic_fn.o \
	src/vector/halfvec_compare_fn.o \
	src/vector/halfvec_fn.o \
	src/vector/halfvec_io_fn.o \
	src/vector/init.o \
	src/vector/kernels_avx2.o \
	src/vector/kernels_avx512.o \
	src/vector/kernels_avx512_many.o \
	src/vector/kernels_neon.o \
	src/vector/kernels_scalar.o \
	src/vector/quantize.o \
	src/vector/quantize_fn.o \
	src/vector/rotation.o \
	src/vector/simd.o \
	src/vector/similarity.o \
	src/vector/similarity_fn.o \
	src/vector/text.o \
	src/vector/vector.o \
	src/vector/vector_fn.o \
	src/vector/vector_io_fn.o \
	src/lexical/bm25.o \
	src/lexical/concept.o \
	src/lexical/concept_fn.o \
	src/lexical/encoding.o \
	src/lexical/fold.o \
	src/lexical/icu.o \
	src/lexical/keys.o \
	src/lexical/keys_fn.o \
	src/lexical/lexeme.o \
	src/lexical/lexical_fn.o \
	src/lexical/parser_fn.o \
	src/lexical/plain_fn.o \
	src/lexical/postings.o \
	src/lexical/segment.o \
	src/lexical/sentence.o \
	src/lexical/stem.o \
	src/lexical/time_calendar.o \
	src/lexical/time_fn.o \
	src/lexical/time_language.o \
	src/lexical/time_match.o \
	src/lexical/time_span.o \
	src/lexical/words.o \
	src/temporal/period.o \
	src/temporal/versioned.o \
	src/temporal/versioning.o \
	src/temporal/versioning_fn.o \
	src/ivfbq/append.o \
	src/ivfbq/build.o \
	src/ivfbq/build_keys.o \
	src/ivfbq/build_parallel.o \
	src/ivfbq/calibrate.o \
	src/ivfbq/candidate.o \
	src/ivfbq/centroids.o \
	src/ivfbq/check.o \
	src/ivfbq/check_heap.o \
	src/ivfbq/check_list.o \
	src/ivfbq/check_row.o \
	src/ivfbq/clear.o \
	src/ivfbq/cluster.o \
	src/ivfbq/codec.o \
	src/ivfbq/cost.o \
	src/ivfbq/directory.o \
	src/ivfbq/geometry.o \
	src/ivfbq/grow.o \
	src/ivfbq/handler_fn.o \
	src/ivfbq/index_fn.o \
	src/ivfbq/insert.o \
	src/ivfbq/kmeans.o \
	src/ivfbq/list.o \
	src/ivfbq/maintain.o \
	src/ivfbq/measure.o \
	src/ivfbq/meta.o \
	src/ivfbq/move.o \
	src/ivfbq/options.o \
	src/ivfbq/page.o \
	src/ivfbq/put.o \
	src/ivfbq/query.o \
	src/ivfbq/recluster.o \
	src/ivfbq/recycle.o \
	src/ivfbq/scan.o \
	src/ivfbq/scrub.o \
	src/ivfbq/scrub_fn.o \
	src/ivfbq/settle.o \
	src/ivfbq/sort.o \
	src/ivfbq/sources.o \
	src/ivfbq/sphere_fn.o \
	src/ivfbq/split.o \
	src/ivfbq/stats.o \
	src/ivfbq/spool.o \
	src/ivfbq/stream.o \
	src/ivfbq/survey.o \
	src/ivfbq/target.o \
	src/ivfbq/vacuum.o \
	src/ivfbq/validate.o \
	src/memory/access.o \
	src/memory/access_fn.o \
	src/memory/access_log.o \
	src/memory/attribute.o \
	src/memory/bulk.o \
	src/memory/change.o \
	src/memory/change_fn.o \
	src/memory/conflict.o \
	src/memory/duplicate.o \
	src/memory/episode.o \
	src/memory/erase.o \
	src/memory/erase_fn.o \
	src/memory/export.o \
	src/memory/filter.o \
	src/memory/forget.o \
	src/memory/guard_fn.o \
	src/memory/hash.o \
	src/memory/history_fn.o \
	src/memory/import.o \
	src/memory/input.o \
	src/memory/json.o \
	src/memory/kind_fn.o \
	src/memory/kind_view_fn.o \
	src/memory/mention.o \
	src/memory/operation.o \
	src/memory/queue.o \
	src/memory/read_fn.o \
	src/memory/remember_fn.o \
	src/memory/resolve.o \
	src/memory/restore.o \
	src/memory/secret.o \
	src/memory/secret_fn.o \
	src/memory/span.o \
	src/memory/store_fn.o \
	src/memory/timeline.o \
	src/memory/transfer_fn.o \
	src/memory/write.o \
	src/memory/writer.o \
	src/graph/community.o \
	src/graph/concept_fn.o \
	src/graph/csr.o \
	src/graph/draw.o \
	src/graph/edge_fn.o \
	src/graph/extract.o \
	src/graph/extract_fn.o \
	src/graph/ids.o \
	src/graph/lexrank.o \
	src/graph/outline_fn.o \
	src/graph/push.o \
	src/graph/rank.o \
	src/graph/rank_fn.o \
	src/graph/scope.o \
	src/graph/seeds.o \
	src/graph/spread.o \
	src/graph/there.o \
	src/graph/transitions_fn.o \
	src/graph/walk.o \
	src/graph/walk_fn.o \
	src/recall/best.o \
	src/recall/candidates.o \
	src/recall/context.o \
	src/recall/diversity.o \
	src/recall/fuse.o \
	src/recall/graph.o \
	src/recall/held.o \
	src/recall/keyword.o \
	src/recall/names.o \
	src/recall/newest.o \
	src/recall/postings.o \
	src/recall/recall.o \
	src/recall/recall_fn.o \
	src/recall/rows.o \
	src/recall/rowset.o \
	src/recall/semantic.o \
	src/recall/summary.o \
	src/recall/times.o \
	src/recall/top.o \
	src/cache/cache_fn.o \
	src/cache/claim.o \
	src/cache/evict.o \
	src/cache/get.o \
	src/cache/hold.o \
	src/cache/policy.o \
	src/cache/put.o \
	src/cache/tally.o \
	src/consolidate/density_fn.o \
	src/consolidate/step_fn.o \
	src/consolidate/strength_fn.o \
	src/jobs/complete.o \
	src/jobs/jobs_fn.o \
	src/scale/init.o \
	src/scale/plan.o \
	src/scale/support_fn.o \
	src/worker/launcher.o \
	src/worker/plain_fn.o \
	src/worker/process.o \
	src/worker/round.o \
	src/worker/settings.o \
	src/worker/shared.o \
	src/worker/worker_fn.o

# Concatenated into the install script, in this order.
SQL_PARTS = \
	src/base/base.sql \
	src/vector/vector.sql \
	src/vector/arithmetic.sql \
	src/vector/compare.sql \
	src/vector/aggregate.sql \
	src/vector/bit.sql \
	src/vector/quantize.sql \
	src/vector/halfvec.sql \
	src/lexical/lexical.sql \
	src/lexical/time.sql \
	src/lexical/concept.sql \
	src/temporal/versioning.sql \
	src/ivfbq/ivfbq.sql \
	src/ivfbq/index.sql \
	src/ivfbq/maintain.sql \
	src/memory/memory.sql \
	src/memory/change.sql \
	src/memory/kind.sql \
	src/memory/history.sql \
	src/memory/govern.sql \
	src/memory/access.sql \
	src/graph/graph.sql \
	src/recall/recall.sql \
	src/consolidate/strength.sql \
	src/consolidate/fold.sql \
	src/consolidate/sweep.sql \
	src/consolidate/digest.sql \
	src/consolidate/summaries.sql \
	src/cache/cache.sql \
	src/consolidate/cache.sql \
	src/consolidate/round.sql \
	src/consolidate/duplicates.sql \
	src/consolidate/conflicts.sql \
	src/consolidate/links.sql \
	src/consolidate/promotion.sql \
	src/consolidate/communities.sql \
	src/consolidate/importance.sql \
	src/consolidate/index.sql \
	src/consolidate/purge.sql \
	src/consolidate/maintain.sql \
	src/jobs/jobs.sql \
	src/jobs/space.sql \
	src/scale/scale.sql \
	src/worker/worker.sql

DATA_built = $(EXTENSION)--$(EXTVERSION).sql
# From each version to the next.
DATA = $(wildcard $(srcdir)/src/upgrade/$(EXTENSION)--*--*.sql)

# pg_regress: every file of sql/ is a test, alone and in any order.
REGRESS ?= $(sort $(patsubst $(srcdir)/sql/%.sql,%,$(wildcard $(srcdir)/sql/*.sql)))
REGRESS_OPTS = --inputdir=$(srcdir) --encoding=UTF8 --load-extension=agentmem
ISOLATION ?= $(sort $(patsubst $(srcdir)/test/isolation/specs/%.spec,%,$(wildcard $(srcdir)/test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=$(srcdir)/test/isolation --load-extension=agentmem
TAP_TESTS = 1
PROVE_TESTS ?= test/tap/*.pl

PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -Wextra -MMD -MP $(AGM_CFLAGS)
SHLIB_LINK = $(ICU_LIBS) -lm
EXTRA_CLEAN = $(DATA_built) $(OBJS:.o=.d)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
srcdir ?= .
include $(PGXS)

$(EXTENSION)--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $^ > $@

-include $(OBJS:.o=.d)
