-- What there is to ask about an index (C). What it has to be: src/ivfbq/README.md.

CREATE FUNCTION agentmem.index_check(index regclass, heapallindexed boolean DEFAULT false)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 1000000
AS 'MODULE_PATHNAME', 'agm_fn_index_check';
COMMENT ON FUNCTION agentmem.index_check(regclass, boolean) IS
  'Raises an error at the first fault of an ivfbq index; with heapallindexed, also if a row of its table is missing. Returns the number of rows that were checked';

CREATE FUNCTION agentmem.index_stats(index regclass,
  OUT version int, OUT metric text, OUT dimensions int, OUT key_columns int,
  OUT rows bigint, OUT rows_without_direction bigint, OUT bytes bigint, OUT pages bigint,
  OUT directory_pages bigint, OUT lists_pages bigint, OUT code_pages bigint, OUT tid_pages bigint,
  OUT refine_pages bigint, OUT base_pages bigint, OUT free_pages bigint, OUT retired_pages bigint, OUT empty_pages bigint,
  OUT free_slots bigint, OUT unused_slots bigint,
  OUT nodes bigint, OUT keys bigint, OUT clustered_keys bigint, OUT lists bigint, OUT rows_per_list float8,
  OUT bits_min float8, OUT bits_avg float8, OUT bits_max float8,
  OUT moves bigint, OUT calibrated_at timestamptz, OUT calibrated_sample int, OUT thresholds real[])
RETURNS record LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100000
AS 'MODULE_PATHNAME', 'agm_fn_index_stats';
COMMENT ON FUNCTION agentmem.index_stats(regclass) IS
  'What there is in an ivfbq index, counted in one pass over its pages: rows, pages by kind, keys, lists, balance of its bits, calibration';

CREATE FUNCTION agentmem.index_recall(index regclass, sample int DEFAULT 100, k int DEFAULT 10,
  OUT queries int, OUT recall float8, OUT recall_min float8, OUT milliseconds float8, OUT exact_milliseconds float8)
RETURNS record LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 1000000
AS 'MODULE_PATHNAME', 'agm_fn_index_recall';
COMMENT ON FUNCTION agentmem.index_recall(regclass, int, int) IS
  'The recall of an ivfbq index with the current settings: asks for the k nearest others of rows drawn from it, and again exactly. Mean and least recall, and the mean time of both';

CREATE FUNCTION agentmem.index_estimate(rows bigint, dimensions int)
RETURNS bigint LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_index_estimate';
COMMENT ON FUNCTION agentmem.index_estimate(bigint, int) IS
  'Bytes that a new ivfbq index over so many rows of one key would have, about';
