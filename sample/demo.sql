-- What demo.pl calls in its session: from raw lines to memories and answers.

CREATE TEMP TABLE raw (n bigint, line text);
CREATE TEMP TABLE line (n bigint PRIMARY KEY, j jsonb, reason text);

-- A line as JSON, or the reason why it is no memory and no question.
CREATE FUNCTION pg_temp.read(raw text, OUT j jsonb, OUT reason text) LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  unknown text;
BEGIN
  j := raw;
  IF jsonb_typeof(j) <> 'object' THEN
    reason := 'not a JSON object';
  ELSIF jsonb_typeof(j -> 'namespace') <> 'string' THEN
    reason := '"namespace" must be a string';
  ELSIF j ? 'query' THEN
    SELECT key INTO unknown FROM jsonb_object_keys(j) key
    WHERE key NOT IN ('id', 'namespace', 'query', 'embedding', 'valid_at', 'answer', 'evidence');
    IF unknown IS NOT NULL THEN
      reason := format('a question has no key "%s"', unknown);
    ELSIF jsonb_typeof(j -> 'query') <> 'string' OR j ->> 'query' = '' THEN
      reason := '"query" must be a string with something in it';
    ELSIF jsonb_typeof(j -> 'evidence') <> 'array' THEN
      reason := '"evidence" must be an array';
    END IF;
  END IF;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  reason := concat_ws(': ', SQLERRM, nullif(detail, ''));
END
$$;

-- Dimensions of the first embedding that is one; NULL if there is none.
CREATE FUNCTION pg_temp.dimensions() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  embedding text;
BEGIN
  FOR embedding IN
    SELECT j ->> 'embedding' FROM line
    WHERE reason IS NULL AND j ->> 'embedding' IS NOT NULL AND NOT j ? 'query'
    ORDER BY n
  LOOP
    BEGIN
      RETURN agentmem.vector_dims(embedding::agentmem.vector);
    EXCEPTION WHEN OTHERS THEN
      CONTINUE;
    END;
  END LOOP;
  RETURN NULL;
END
$$;

-- Remembers the lines from first to last: one call a namespace, in the order of the lines.
CREATE FUNCTION pg_temp.load(first bigint, last bigint)
RETURNS TABLE (line bigint, action text, reason text) LANGUAGE plpgsql AS $$
DECLARE
  batch record;
BEGIN
  FOR batch IN
    SELECT coalesce(l.j ->> 'namespace', 'demo') AS namespace,
           array_agg(l.n ORDER BY l.n) AS lines, jsonb_agg(l.j ORDER BY l.n) AS memories
    FROM line l
    WHERE l.n BETWEEN first AND last AND l.reason IS NULL AND NOT l.j ? 'query'
    GROUP BY 1
  LOOP
    BEGIN
      RETURN QUERY SELECT batch.lines[r.ordinal], r.action, r.error
        FROM agentmem.remember_many('demo', batch.namespace, batch.memories, on_error => 'skip') r;
    EXCEPTION WHEN OTHERS THEN
      RETURN QUERY SELECT unnest(batch.lines), 'skipped', SQLERRM;
    END;
  END LOOP;
END
$$;

-- The question of a line and the five memories that recall() gives for it.
CREATE FUNCTION pg_temp.ask(question bigint, has_embeddings boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  q jsonb := (SELECT j - 'embedding' FROM line WHERE n = question);
  embedding agentmem.vector;
  evidence bigint[];
  found jsonb;
BEGIN
  IF has_embeddings THEN
    embedding := (SELECT j ->> 'embedding' FROM line WHERE n = question);
  END IF;
  evidence := ARRAY(SELECT id FROM agentmem.get('demo', coalesce(q ->> 'namespace', 'demo'),
    keys => ARRAY(SELECT jsonb_array_elements_text(q -> 'evidence'))));
  SELECT jsonb_agg(jsonb_build_object(
           'kind', r.kind, 'date', lower(r.valid_period)::date, 'content', r.content, 'score', r.score,
           'channels', r.channels, 'evidence', r.id = ANY (evidence)) ORDER BY r.ordinality)
    INTO found
    FROM agentmem.recall('demo', coalesce(q ->> 'namespace', 'demo'), query => q ->> 'query',
                         embedding => embedding, k => 5, valid_at => (q ->> 'valid_at')::timestamptz)
         WITH ORDINALITY r;
  RETURN q || jsonb_build_object('found', coalesce(found, '[]'));
EXCEPTION WHEN OTHERS THEN
  RETURN q || jsonb_build_object('error', SQLERRM);
END
$$;
