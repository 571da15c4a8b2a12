-- Kinds: their policy, the attributes that they declare, a view each; and the trigger that makes
-- rows whole which were not written by the functions.
-- Rules: src/memory/README.md, "Typed attributes", "Direct changes".

CREATE FUNCTION agentmem.memory_guard() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'agm_fn_memory_guard';
COMMENT ON FUNCTION agentmem.memory_guard() IS
  'Trigger of a store''s table memory: checks rows written by hand as remember() would, and derives their words and hashes';

CREATE FUNCTION agentmem.attribute_type(type text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_attribute_type';
COMMENT ON FUNCTION agentmem.attribute_type(text) IS
  'Canonical name of a type that an attribute may have; an error if there is no such type or an attribute cannot have it';

CREATE FUNCTION agentmem.check_attributes(store name, kind text, attributes jsonb) RETURNS void
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_check_attributes';
COMMENT ON FUNCTION agentmem.check_attributes(name, text, jsonb) IS
  'Raises an error unless the attributes of a memory of this kind have the types that the kind declares';

CREATE FUNCTION agentmem.create_attribute_table(store name)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM agentmem.create_table(store, 'kind_attribute', 'Attributes that kinds declare: checked on every write, columns of the kinds'' views', $ddl$
      kind text COLLATE "C" NOT NULL,
      name text COLLATE "C" NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 63),
      type text NOT NULL CHECK (type = agentmem.attribute_type(type)),
      required boolean NOT NULL DEFAULT false,
      meaning text NOT NULL DEFAULT '',
      PRIMARY KEY (kind, name)
    $ddl$, '{
    "kind": "The kind that declares it",
    "name": "Key in memory.attributes",
    "type": "Its type, as agentmem.attribute_type() spells it",
    "required": "Whether every memory of the kind has it",
    "meaning": "What it says"}');
  EXECUTE format($dml$
    INSERT INTO %I.kind_attribute (kind, name, type, meaning)
    SELECT a.kind, a.name, agentmem.attribute_type(a.type), a.meaning
    FROM (VALUES
      ('commitment', 'due_at',      'timestamptz', 'When it is due'),
      ('goal',       'closed_at',   'timestamptz', 'When it was achieved or given up'),
      ('event',      'occurred_at', 'timestamptz', 'When it happened'),
      ('artifact',   'uri',         'text',        'Where it is'),
      ('summary',    'level',       'int',         'How far above single memories it stands')) a(kind, name, type, meaning)$dml$, store);
END
$$;
COMMENT ON FUNCTION agentmem.create_attribute_table(name) IS 'Internal to create_store: makes the table kind_attribute';

-- Views of kinds ----------------------------------------------------------------

CREATE FUNCTION agentmem.write_kind_view() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'agm_fn_write_kind_view';
COMMENT ON FUNCTION agentmem.write_kind_view() IS 'Trigger of the views of kinds: writes their rows to the table memory';

-- Anything that depends on a view stands in the way.
CREATE FUNCTION agentmem.drop_kind_views(store name, kind text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  view name;
BEGIN
  FOR view IN
    SELECT c.relname FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
    WHERE c.relnamespace = quote_ident(store)::regnamespace AND c.relkind = 'v'
      AND t.tgfoid = 'agentmem.write_kind_view()'::regprocedure
      AND c.relname = coalesce('kind_' || kind, c.relname)
    ORDER BY c.relname
  LOOP
    EXECUTE format('DROP VIEW %I.%I', store, view);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.drop_kind_views(name, text) IS 'Drops the view of a kind, or those of all kinds, of a store';

-- How a declared attribute reads from a memory m, and how it is written from a row r.v of the view.
-- Operators and functions have their schema: the statements run under the search_path of who writes.
CREATE FUNCTION agentmem.attribute_column(name text, type text, OUT readable text, OUT writable text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  held text := format('(m.attributes OPERATOR(pg_catalog.->) %L)', name);
  is_array boolean;
  is_json boolean;
  element text;
BEGIN
  SELECT p.typcategory = 'A', ARRAY[p.oid, p.typbasetype] && '{json,jsonb}'::regtype[]::oid[], format_type(nullif(p.typelem, 0), NULL)
    INTO is_array, is_json, element FROM pg_type p WHERE p.oid = type::regtype;
  writable := format('(r.v).%I', name);
  IF is_array THEN
    element := agentmem.attribute_type(element);
    readable := format('CASE WHEN pg_catalog.jsonb_typeof(%1$s) OPERATOR(pg_catalog.=) ''array'' THEN'
                       ' ARRAY(SELECT v.value::%2$s FROM pg_catalog.%3$s(%1$s) v)::%4$s END', held, element,
                       CASE WHEN element IN ('pg_catalog.json', 'pg_catalog.jsonb') THEN 'jsonb_array_elements' ELSE 'jsonb_array_elements_text' END, type);
    writable := format('pg_catalog.to_jsonb(%s)', writable);
  ELSIF is_json THEN
    readable := format('CASE WHEN pg_catalog.jsonb_typeof(%1$s) OPERATOR(pg_catalog.<>) ''null'' THEN %1$s::%2$s END', held, type);
    writable := format('pg_catalog.to_jsonb(%s)', writable);
  ELSE
    readable := format('(m.attributes OPERATOR(pg_catalog.->>) %L)::%s', name, type);
    -- A type that has a JSON form of its own is kept as text nevertheless, which its input function reads.
    writable := format('CASE WHEN pg_catalog.jsonb_typeof(pg_catalog.to_jsonb(%1$s)) OPERATOR(pg_catalog.=) ANY (''{object,array}'')'
                       ' THEN pg_catalog.to_jsonb(%1$s::pg_catalog.text) ELSE pg_catalog.to_jsonb(%1$s) END', writable);
  END IF;
  readable := format('%s AS %I', readable, name);
  writable := format('CASE WHEN (r.v).%I IS NULL THEN ''{}''::pg_catalog.jsonb ELSE pg_catalog.jsonb_build_object(%L, %s) END', name, name, writable);
END
$$;
COMMENT ON FUNCTION agentmem.attribute_column(text, text) IS
  'Internal to create_kind_view: SQL that reads a declared attribute, and that writes it';

-- Makes the view anew, with the grants that it had.
CREATE FUNCTION agentmem.create_kind_view(store name, kind text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  view text := 'kind_' || kind;
  plain text[] := '{namespace,id,content,title,subject,predicate,object,tags,valid_period,confidence,importance,source,actor,'
                  'session,parent,pinned,expires_at,key,provenance,language,model,system_period}';
  comments jsonb;
  columns text;                             -- of the memory m, as the view shows them
  declared text := '';                      -- those of them that the kind declares; they come last
  given text := 'coalesce((r.v).attributes, ''{}'')'; -- all attributes of a row r.v
  names text[] := '{}';
  sets text;
  old_acl aclitem[];
  old_owner oid;                            -- who makes it anew may be a superuser
  a record;
  g record;
BEGIN
  IF octet_length(view) > 63 THEN
    RAISE EXCEPTION 'kind "%" has too long a name', kind
      USING ERRCODE = 'invalid_parameter_value', HINT = 'It has at most 58 bytes, so that its view can have its name.';
  END IF;
  IF kind = 'attribute' OR kind LIKE '%{store}%' THEN
    RAISE EXCEPTION 'kind "%" cannot have a view', kind
      USING ERRCODE = 'invalid_parameter_value', HINT = 'The store needs that name itself: choose another for the kind.';
  END IF;
  IF EXISTS (SELECT FROM pg_attribute m
             WHERE m.attrelid = format('%I.memory', store)::regclass AND m.attname = 'embedding' AND m.atttypmod > 0) THEN
    plain := plain || 'embedding'::text;
  END IF;
  SELECT jsonb_object_agg(m.attname, col_description(m.attrelid, m.attnum)) INTO comments
  FROM pg_attribute m WHERE m.attrelid = format('%I.memory', store)::regclass AND m.attname = ANY (plain);
  FOR a IN EXECUTE format('SELECT a.name, a.meaning, c.* FROM %I.kind_attribute a, agentmem.attribute_column(a.name, a.type) c'
                          ' WHERE a.kind = $1 ORDER BY a.name', store) USING kind
  LOOP
    IF a.name = ANY (plain || '{embedding,attributes}'::text[]) OR a.name LIKE '%{store}%' THEN
      RAISE EXCEPTION 'attribute "%" has the name of a column of memories', a.name
        USING ERRCODE = 'invalid_parameter_value', HINT = 'The view of the kind has that column already: choose another name.';
    END IF;
    names := names || a.name;
    declared := declared || ', ' || a.readable;
    given := given || ' OPERATOR(pg_catalog.||) ' || a.writable;
    comments := comments || jsonb_build_object(a.name, coalesce(nullif(a.meaning, ''), 'Attribute ' || a.name));
  END LOOP;
  SELECT string_agg(format('m.%I', c), ', ' ORDER BY i) INTO columns FROM unnest(plain) WITH ORDINALITY p(c, i);
  columns := columns || ', ' || CASE WHEN names = '{}' THEN 'm.attributes' ELSE
    format('CASE WHEN %1$s OPERATOR(pg_catalog.<>) ''{}'' THEN %1$s END AS attributes',
           format('(m.attributes OPERATOR(pg_catalog.-) %L::pg_catalog.text[])', names)) END || declared;
  comments := comments || '{"attributes": "Further properties that the kind does not declare, a JSON object; NULL: none"}';

  SELECT c.relacl, c.relowner INTO old_acl, old_owner FROM pg_class c WHERE c.relnamespace = quote_ident(store)::regnamespace AND c.relname = view;
  PERFORM agentmem.drop_kind_views(store, kind);
  EXECUTE format('CREATE VIEW %1$I.%2$I WITH (security_invoker = true) AS SELECT %3$s FROM %1$I.memory m WHERE m.kind = %4$L',
                 store, view, columns, kind);
  IF old_owner <> quote_ident(current_user)::regrole THEN
    EXECUTE format('ALTER VIEW %I.%I OWNER TO %I', store, view, pg_get_userbyid(old_owner));
  END IF;
  EXECUTE format('COMMENT ON VIEW %I.%I IS %L', store, view, format('The memories of kind %s with its attributes; written like a table', kind));
  PERFORM agentmem.comment_columns(store, view::name, comments);

  -- The rows are $1 and, for an UPDATE, what it was, $2; $3 is the sequence of ids.
  -- Only what the row changes is set: what others changed meanwhile stays.
  SELECT string_agg(CASE WHEN c IN ('namespace', 'id') THEN format('%1$I = ($1).%1$I', c)
                         ELSE format('%1$I = CASE WHEN coalesce(($1).%1$I OPERATOR(%2$s.=) ($2).%1$I, ($1).%1$I IS NULL AND ($2).%1$I IS NULL)'
                                     ' THEN m.%1$I ELSE ($1).%1$I END', c, CASE c WHEN 'embedding' THEN 'agentmem' ELSE 'pg_catalog' END) END,
                    ', ' ORDER BY i)
    INTO sets FROM unnest(plain) WITH ORDINALITY p(c, i);
  -- Of the attributes, too: n is what the row has now and o what it had. What is no object the table's trigger refuses.
  sets := sets || ', attributes = CASE WHEN a.n OPERATOR(pg_catalog.=) a.o THEN m.attributes'
                  ' WHEN pg_catalog.jsonb_typeof(a.n) OPERATOR(pg_catalog.<>) ''object'' THEN a.n'
                  ' ELSE (SELECT CASE WHEN x.v OPERATOR(pg_catalog.<>) ''{}'' THEN x.v END FROM (SELECT (coalesce(m.attributes, ''{}'')'
                  ' OPERATOR(pg_catalog.-) ARRAY(SELECT k.key FROM pg_catalog.jsonb_object_keys(a.o) k(key) WHERE NOT (a.n OPERATOR(pg_catalog.?) k.key)))'
                  ' OPERATOR(pg_catalog.||) coalesce((SELECT pg_catalog.jsonb_object_agg(e.key, e.value) FROM pg_catalog.jsonb_each(a.n) e'
                  ' WHERE NOT coalesce((a.o OPERATOR(pg_catalog.->) e.key) OPERATOR(pg_catalog.=) e.value, false)), ''{}'') AS v OFFSET 0) x) END';
  EXECUTE format('CREATE TRIGGER kind_view INSTEAD OF INSERT OR UPDATE OR DELETE ON %I.%I FOR EACH ROW'
                 ' EXECUTE FUNCTION agentmem.write_kind_view(%L, %L, %L)', store, view,
    format('INSERT INTO {store}.memory AS m (kind, attributes, %s) SELECT %L, CASE WHEN a.n OPERATOR(pg_catalog.<>) ''{}'' THEN a.n END, %s FROM (SELECT (SELECT %s FROM (SELECT $1 AS v) r) AS n) a',
           array_to_string(plain, ', '), kind,
           (SELECT string_agg(format(CASE c WHEN 'id' THEN 'coalesce(($1).%I, pg_catalog.nextval($3))'
                                            WHEN 'pinned' THEN 'coalesce(($1).%I, false)'
                                            ELSE '($1).%I' END, c), ', ' ORDER BY i) FROM unnest(plain) WITH ORDINALITY p(c, i)), given),
    format('UPDATE {store}.memory m SET %1$s FROM (SELECT (SELECT %2$s FROM (SELECT $1 AS v) r) AS n, (SELECT %2$s FROM (SELECT $2 AS v) r) AS o) a WHERE m.namespace OPERATOR(pg_catalog.=) ($2).namespace'
           ' AND m.id OPERATOR(pg_catalog.=) ($2).id AND m.kind OPERATOR(pg_catalog.=) %3$L', sets, given, kind),
    columns);

  FOR g IN
    SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS grantee,
           e.privilege_type, e.is_grantable
    FROM aclexplode(old_acl) e
  LOOP
    EXECUTE format('GRANT %s ON %I.%I TO %s%s', g.privilege_type, store, view, g.grantee,
                   CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.create_kind_view(name, text) IS
  'Makes the view of a kind, with its attributes as columns; anew, with the same grants, if there is one';

-- Changing kinds ----------------------------------------------------------------

CREATE FUNCTION agentmem.require_class(class text)
RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF class NOT IN ('semantic', 'episodic', 'procedural', 'prospective', 'working', 'resource', 'structural', 'vault') THEN
    RAISE EXCEPTION 'unknown class "%"', class
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use semantic, episodic, procedural, prospective, working, resource, structural or vault.';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.require_class(text) IS 'Internal to add_kind and alter_kind: an error unless there is such a class of kinds';

-- With one of the two no memory would get a confidence, and nobody would be told.
CREATE FUNCTION agentmem.require_band(kind text, low real, high real)
RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (low IS NULL) <> (high IS NULL) THEN
    RAISE EXCEPTION 'kind "%" would have % without %', kind, CASE WHEN high IS NULL THEN 'confidence_low' ELSE 'confidence_high' END,
      CASE WHEN high IS NULL THEN 'confidence_high' ELSE 'confidence_low' END
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'One is the confidence of what is inferred, observed or imported, the other of what is stated: give both, the same twice if need be.';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.require_band(text, real, real) IS 'Internal to add_kind and alter_kind: an error unless a kind has both default confidences, or neither';

-- For a look at all memories before what their kind declares is changed: no writer slips in, and row security hides
-- none from the owner. Whether it did, so that it is put back.
CREATE FUNCTION agentmem.see_all_memories(store name)
RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  forced boolean := (SELECT c.relforcerowsecurity FROM pg_class c WHERE c.oid = format('%I.memory', store)::regclass);
BEGIN
  IF forced THEN
    EXECUTE format('LOCK TABLE %1$I.memory, %1$I.memory_history IN ACCESS EXCLUSIVE MODE', store);
    EXECUTE format('ALTER TABLE %I.memory NO FORCE ROW LEVEL SECURITY', store);
    EXECUTE format('ALTER TABLE %I.memory_history NO FORCE ROW LEVEL SECURITY', store);
  ELSE
    EXECUTE format('LOCK TABLE %I.memory IN SHARE ROW EXCLUSIVE MODE', store);
  END IF;
  RETURN forced;
END
$$;
COMMENT ON FUNCTION agentmem.see_all_memories(name) IS
  'Internal to alter_kind: keeps writers out, and takes the force of row security off the owner; whether there was any';

-- What an object leaves out stays as it is.
CREATE FUNCTION agentmem.declare_attributes(store name, kind text, attributes jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  a record;
  o jsonb;
  type_name text;             -- not in the statement: no function that looks something up stands in a COALESCE
  written bigint;
BEGIN
  IF jsonb_typeof(attributes) <> 'object' THEN
    RAISE EXCEPTION 'attributes must be a JSON object'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"due_at": "timestamptz"}.';
  END IF;
  FOR a IN SELECT j.key, j.value FROM jsonb_each(attributes) j ORDER BY j.key LOOP
    IF octet_length(a.key) NOT BETWEEN 1 AND 63 THEN
      RAISE EXCEPTION 'the name of an attribute must have 1 to 63 bytes'
        USING ERRCODE = 'invalid_parameter_value', HINT = 'It is the name of a column of the kind''s view.';
    END IF;
    IF a.value = 'null' THEN
      EXECUTE format('DELETE FROM %I.kind_attribute a WHERE a.kind = $1 AND a.name = $2', store) USING kind, a.key;
      GET DIAGNOSTICS written = ROW_COUNT;
      IF written = 0 THEN
        RAISE EXCEPTION 'kind "%" declares no attribute "%"', kind, a.key
          USING ERRCODE = 'undefined_object', HINT = format('SELECT * FROM %I.kind_attribute lists what kinds declare.', store);
      END IF;
      CONTINUE;
    END IF;
    o := CASE jsonb_typeof(a.value) WHEN 'string' THEN jsonb_build_object('type', a.value) WHEN 'object' THEN a.value END;
    IF o IS NULL OR o - '{type,required,meaning}'::text[] <> '{}'
       OR coalesce(jsonb_typeof(o -> 'type'), 'string') <> 'string'
       OR coalesce(jsonb_typeof(o -> 'required'), 'boolean') <> 'boolean'
       OR coalesce(jsonb_typeof(o -> 'meaning'), 'string') <> 'string' THEN
      RAISE EXCEPTION 'invalid declaration of attribute "%"', a.key
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'Give the name of a type, or {"type": "text", "required": true, "meaning": "..."}, or null to take it back.';
    END IF;
    type_name := agentmem.attribute_type(o ->> 'type');
    EXECUTE format('UPDATE %I.kind_attribute a SET type = coalesce($3, a.type),'
                   ' required = coalesce($4, a.required), meaning = coalesce($5, a.meaning) WHERE a.kind = $1 AND a.name = $2', store)
      USING kind, a.key, type_name, (o ->> 'required')::boolean, o ->> 'meaning';
    GET DIAGNOSTICS written = ROW_COUNT;
    CONTINUE WHEN written > 0;
    IF NOT o ? 'type' THEN
      RAISE EXCEPTION 'attribute "%" needs a type', a.key
        USING ERRCODE = 'invalid_parameter_value', HINT = 'For example {"type": "text"}.';
    END IF;
    EXECUTE format('INSERT INTO %I.kind_attribute (kind, name, type, required, meaning)'
                   ' VALUES ($1, $2, $3, coalesce($4, false), coalesce($5, ''''))', store)
      USING kind, a.key, type_name, (o ->> 'required')::boolean, o ->> 'meaning';
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.declare_attributes(name, text, jsonb) IS
  'Internal to add_kind and alter_kind: writes declarations of attributes to the table kind_attribute';

CREATE FUNCTION agentmem.add_kind(
  store name, name text, class text, meaning text, attributes jsonb DEFAULT NULL, half_life interval DEFAULT NULL,
  supersede text DEFAULT 'none', repeat text DEFAULT 'reinforce', validity text DEFAULT 'state',
  conflict_threshold real DEFAULT NULL, confidence_low real DEFAULT NULL, confidence_high real DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  known boolean;
BEGIN
  PERFORM agentmem.owned_store(store);
  IF name IS NULL OR class IS NULL OR meaning IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN name IS NULL THEN 'name' WHEN class IS NULL THEN 'class' ELSE 'meaning' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value.';
  END IF;
  PERFORM agentmem.require_class(class);
  PERFORM agentmem.require_band(name, confidence_low, confidence_high);
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.kind k WHERE k.name = $1)', store) INTO known USING name;
  IF known THEN
    RAISE EXCEPTION 'kind "%" exists already', name
      USING ERRCODE = 'duplicate_object', HINT = 'alter_kind() changes it.';
  END IF;
  EXECUTE format('INSERT INTO %I.kind (name, class, meaning, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high)'
                 ' VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', store)
    USING name, class, meaning, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high;
  IF attributes IS NOT NULL THEN
    PERFORM agentmem.declare_attributes(store, name, attributes);
  END IF;
  IF class <> 'vault' THEN
    PERFORM agentmem.create_kind_view(store, name);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.add_kind(name, text, text, text, jsonb, interval, text, text, text, real, real, real) IS
  'Adds a kind of memory: its policy, the attributes that it declares, {"name": "type"} or {"name": {"type", "required", "meaning"}}, and the view of its memories';

CREATE FUNCTION agentmem.alter_kind(
  store name, name text, meaning text DEFAULT NULL, attributes jsonb DEFAULT NULL, half_life interval DEFAULT NULL,
  supersede text DEFAULT NULL, repeat text DEFAULT NULL, validity text DEFAULT NULL, conflict_threshold real DEFAULT NULL,
  confidence_low real DEFAULT NULL, confidence_high real DEFAULT NULL, retired boolean DEFAULT NULL, class text DEFAULT NULL,
  clear text[] DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- In the order of the parameters $2, $3 ... below.
  policies CONSTANT text[] := '{half_life,supersede,repeat,validity,conflict_threshold,confidence_low,confidence_high}';
  columns CONSTANT text[] := policies || '{meaning,retired,class}'::text[];
  given CONSTANT boolean[] := ARRAY[half_life IS NOT NULL, supersede IS NOT NULL, repeat IS NOT NULL, validity IS NOT NULL,
                                    conflict_threshold IS NOT NULL, confidence_low IS NOT NULL, confidence_high IS NOT NULL];
  old_class text;
  old_low real;
  old_high real;
  vault boolean;                            -- its class becomes vault, or was it
  held boolean;
  forced boolean := false;                  -- row security, upon the owner
  policy text;
BEGIN
  PERFORM agentmem.owned_store(store), agentmem.one_by_one(store);
  IF name IS NULL THEN
    RAISE EXCEPTION 'name must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a kind.';
  END IF;
  IF class IS NOT NULL THEN
    PERFORM agentmem.require_class(class);
  END IF;
  FOREACH policy IN ARRAY coalesce(clear, '{}') LOOP
    IF policy IS NULL THEN
      RAISE EXCEPTION 'clear must not contain null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Leave it out.';
    ELSIF policy <> ALL (policies) THEN
      RAISE EXCEPTION 'unknown policy "%"', policy
        USING ERRCODE = 'invalid_parameter_value', HINT = format('What can be cleared: %s.', array_to_string(policies, ', '));
    ELSIF given[array_position(policies, policy)] THEN
      RAISE EXCEPTION 'policy "%" cannot be both given and cleared', policy
        USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out of clear, or give no value.';
    END IF;
  END LOOP;
  EXECUTE format('SELECT k.class, k.confidence_low, k.confidence_high FROM %I.kind k WHERE k.name = $1 FOR UPDATE', store) INTO old_class, old_low, old_high USING name;
  IF old_class IS NULL THEN
    RAISE EXCEPTION 'unknown kind "%"', name
      USING ERRCODE = 'invalid_parameter_value', HINT = format('SELECT name FROM %I.kind lists the kinds of this store.', store);
  END IF;
  PERFORM agentmem.require_band(name, CASE WHEN 'confidence_low' = ANY (clear) THEN NULL ELSE coalesce(confidence_low, old_low) END,
                                CASE WHEN 'confidence_high' = ANY (clear) THEN NULL ELSE coalesce(confidence_high, old_high) END);
  vault := class <> old_class AND 'vault' IN (class, old_class);
  IF attributes IS NOT NULL OR vault THEN
    forced := agentmem.see_all_memories(store);
  END IF;
  IF vault THEN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %1$I.memory m WHERE m.kind = $1) OR EXISTS (SELECT 1 FROM %1$I.memory_history m WHERE m.kind = $1)', store)
      INTO held USING name;
    IF held THEN
      RAISE EXCEPTION 'class of kind "%" cannot be changed from % to %', name, old_class, class
        USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Memories of this kind are held, or were and are in history.',
              HINT = 'Secrets are kept in another way than memories: add another kind, and retire this one.';
    END IF;
  END IF;
  EXECUTE (SELECT format('UPDATE %I.kind k SET %s WHERE k.name = $1', store,
                         string_agg(CASE WHEN c.c = ANY (clear) THEN format('%I = DEFAULT', c.c)
                                         ELSE format('%1$I = coalesce($%2$s, k.%1$I)', c.c, c.i + 1) END, ', ' ORDER BY c.i))
           FROM unnest(columns) WITH ORDINALITY c(c, i))
    USING name, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high, meaning, retired, class;
  IF attributes IS NOT NULL THEN
    PERFORM agentmem.declare_attributes(store, name, attributes);
    BEGIN
      EXECUTE format('SELECT count(agentmem.check_attributes($1, $2, m.attributes)) FROM %I.memory m WHERE m.kind = $2', store)
        USING store, name;
    EXCEPTION WHEN OTHERS THEN
      IF NOT forced THEN
        RAISE;
      END IF;
      RAISE EXCEPTION 'a memory of kind "%" does not fit the attributes', name
        USING ERRCODE = SQLSTATE, HINT = 'Row security hides more: without it the message names attribute and value.';
    END;
  END IF;
  IF forced THEN
    EXECUTE format('ALTER TABLE %1$I.memory FORCE ROW LEVEL SECURITY', store);
    EXECUTE format('ALTER TABLE %1$I.memory_history FORCE ROW LEVEL SECURITY', store);
  END IF;
  IF coalesce(class, old_class) = 'vault' THEN
    PERFORM agentmem.drop_kind_views(store, name);
  ELSIF attributes IS NOT NULL OR vault THEN
    PERFORM agentmem.create_kind_view(store, name);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.alter_kind(name, text, text, jsonb, interval, text, text, text, real, real, real, boolean, text, text[]) IS
  'Changes a kind; what is not given stays. attributes: declarations as in add_kind(), null takes one back; refused if a memory that is held does not fit. clear: names of policies that take their default again, which is NULL for half_life, conflict_threshold, confidence_low and confidence_high';

CREATE FUNCTION agentmem.retire_kind(store name, name text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM agentmem.alter_kind(store, name, retired => true);
END
$$;
COMMENT ON FUNCTION agentmem.retire_kind(name, text) IS
  'Takes no new memories of a kind; those that are held can be read and changed. alter_kind(retired => false) takes it back';
