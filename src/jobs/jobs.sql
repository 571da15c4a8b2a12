-- Jobs: work for models outside, claimed with leases.
-- Rules: src/jobs/README.md.

CREATE FUNCTION agentmem.create_job_table(store name, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_job_table$
BEGIN
  PERFORM agentmem.create_table(store, 'job', 'Work for models outside, given out by claim_jobs(); what is done has no row', format($ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL DEFAULT nextval(%L),
      kind text NOT NULL CONSTRAINT job_kind_check CHECK (kind IN ('embed', 'embed_next', 'extract', 'reflect', 'summarize', 'adjudicate')),
      ids bigint[] NOT NULL,
      payload jsonb,
      priority int NOT NULL DEFAULT 0,
      state text NOT NULL DEFAULT 'queued' CONSTRAINT job_state_check CHECK (state IN ('queued', 'leased', 'dead')),
      run_at timestamptz NOT NULL DEFAULT now(),
      attempt int NOT NULL DEFAULT 0,
      attempts int NOT NULL DEFAULT 5 CONSTRAINT job_attempts_check CHECK (attempts > 0),
      worker text,
      error text,
      statement uuid,
      version timestamptz CONSTRAINT job_version_check CHECK (version IS NULL OR kind = 'embed_next'),
      created timestamptz NOT NULL DEFAULT now(),
      CONSTRAINT job_pkey PRIMARY KEY (namespace, id)
    $ddl$, quote_ident(store) || '.operation_seq'), '{
    "namespace": "Namespace of its memories",
    "id": "Names the job to complete_job() and fail_job()",
    "kind": "embed, embed_next, extract, reflect, summarize or adjudicate",
    "ids": "The memories that it is about",
    "payload": "What else the consumer should know",
    "priority": "Greater ones come first",
    "state": "queued, leased or dead",
    "run_at": "queued: not before; leased: end of the lease",
    "attempt": "How often it was claimed: the number of its lease",
    "attempts": "How often it may be",
    "worker": "Who claimed it last",
    "error": "What fail_job() said last",
    "statement": "content_hash of the memory when it was claimed, for a job embed or embed_next",
    "version": "embed_next: of an earlier version, which the store held since then; NULL: of the memory",
    "created": "When it was queued"}', 'fillfactor = 70', partitions);
  EXECUTE format($ddl$
    CREATE INDEX job_ready_idx ON %1$I.job (priority DESC, run_at, id) WHERE state <> 'dead';
    CREATE INDEX job_ids_idx ON %1$I.job USING gin (ids agentmem.bigint_overlap_ops) WITH (fastupdate = off);
    CREATE UNIQUE INDEX job_embed_idx ON %1$I.job (namespace, ids, kind, version) NULLS NOT DISTINCT WHERE kind = ANY ('{embed,embed_next}');
    $ddl$, store);
END
$create_job_table$;
COMMENT ON FUNCTION agentmem.create_job_table(name, int) IS
  'Internal to create_store: makes the table job';

CREATE FUNCTION agentmem.enqueue_job(store name, namespace text, kind text, ids bigint[] DEFAULT NULL, payload jsonb DEFAULT NULL,
                                     priority int DEFAULT 0, run_at timestamptz DEFAULT NULL, attempts int DEFAULT 5)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_enqueue_job';
COMMENT ON FUNCTION agentmem.enqueue_job(name, text, text, bigint[], jsonb, int, timestamptz, int) IS
  'Queues work for a model outside: embed (one memory), embed_next (the same, for the space that is being filled), extract, reflect, summarize (memories), adjudicate (payload {"conflict": id}). Returns the job; that of a memory which has such an embed job already is this one';

CREATE FUNCTION agentmem.enqueue_embeddings(store name, namespace text, n int DEFAULT 10000, priority int DEFAULT 0)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_enqueue_embeddings';
COMMENT ON FUNCTION agentmem.enqueue_embeddings(name, text, int, int) IS
  'Queues an embed job for each of the first n memories that have no embedding and no such job; returns how many';

CREATE TYPE agentmem.job AS (
  namespace text, job bigint, kind text, ids bigint[], payload jsonb, attempt int, leased_until timestamptz,
  model text, dimensions int, input jsonb);
COMMENT ON TYPE agentmem.job IS
  'A job as claim_jobs() hands it out; input: the memories of ids, model and dimensions: of the embedding that is wanted';

CREATE FUNCTION agentmem.claim_jobs(store name, kinds text[] DEFAULT NULL, n int DEFAULT 1, lease interval DEFAULT '5 min', worker text DEFAULT NULL)
RETURNS SETOF agentmem.job LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_claim_jobs';
COMMENT ON FUNCTION agentmem.claim_jobs(name, text[], int, interval, text) IS
  'Takes up to n jobs for the time of the lease, from any namespace, the most urgent first; commit before you ask the model. Waits for nobody';

CREATE FUNCTION agentmem.heartbeat_job(store name, namespace text, job bigint, lease interval DEFAULT '5 min', attempt int DEFAULT NULL)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_heartbeat_job';
COMMENT ON FUNCTION agentmem.heartbeat_job(name, text, bigint, interval, int) IS
  'Lets the lease of a job end that much from now. false: it is not leased, or not by this attempt';

CREATE FUNCTION agentmem.complete_job(store name, namespace text, job bigint, result jsonb, attempt int DEFAULT NULL)
RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_complete_job';
COMMENT ON FUNCTION agentmem.complete_job(name, text, bigint, jsonb, int) IS
  'Writes what the model answered, by the rules of remember(), and ends the job; returns the memories written. NULL: nothing was done, as the job is not leased (any more), not by this attempt, or its memory states something else by now';

CREATE FUNCTION agentmem.fail_job(store name, namespace text, job bigint, error text, attempt int DEFAULT NULL, retry_after interval DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_fail_job';
COMMENT ON FUNCTION agentmem.fail_job(name, text, bigint, text, int, interval) IS
  'Gives a job back: queued for later, or dead if that was its last attempt. NULL: it is not leased, or not by this attempt';

CREATE FUNCTION agentmem.retry_jobs(store name, namespace text, jobs bigint[] DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_retry_jobs';
COMMENT ON FUNCTION agentmem.retry_jobs(name, text, bigint[]) IS
  'Queues dead jobs again, with all their attempts: those given, or all of the namespace; returns how many';
