-- The graph of memories: edges, walks, ranks, communities.
-- Rules: src/graph/README.md. The tables edge, edge_type and edge_history: src/memory/change.sql.

-- Edges -------------------------------------------------------------------------

CREATE FUNCTION agentmem.link(
  store name, namespace text, source bigint, target bigint, type text DEFAULT 'similar', weight real DEFAULT 1,
  valid_from timestamptz DEFAULT NULL, valid_to timestamptz DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_link';
COMMENT ON FUNCTION agentmem.link(name, text, bigint, bigint, text, real, timestamptz, timestamptz) IS
  'Joins two memories by an edge of a type; an edge of that type that is there gets the weight and the time given';

CREATE FUNCTION agentmem.unlink(store name, namespace text, source bigint, target bigint, type text DEFAULT 'similar')
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_unlink';
COMMENT ON FUNCTION agentmem.unlink(name, text, bigint, bigint, text) IS
  'Takes an edge away; its history stays. false: there is none';

CREATE FUNCTION agentmem.add_edge_type(store name, name text, weight real DEFAULT 0.5, directed boolean DEFAULT false, meaning text DEFAULT '')
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM agentmem.owned_store(store);
  EXECUTE format('INSERT INTO %I.edge_type AS t (name, weight, directed, meaning) VALUES ($1, $2, $3, $4)'
                 ' ON CONFLICT (name) DO UPDATE SET weight = excluded.weight, directed = excluded.directed, meaning = excluded.meaning', store)
    USING name, weight, directed, meaning;
END
$$;
COMMENT ON FUNCTION agentmem.add_edge_type(name, text, real, boolean, text) IS
  'Adds a type of edges, or changes it: how well its edges conduct, and whether from source to target only';

CREATE FUNCTION agentmem.concepts(store name, namespace text, n int DEFAULT 100,
  OUT id bigint, OUT concept text, OUT normalized text, OUT memories bigint)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_concepts';
COMMENT ON FUNCTION agentmem.concepts(name, text, int) IS
  'The concepts that most memories of a namespace have edges to, for stores with the setting concepts; id is below zero and goes into neighbors(), graph(), ppr()';

-- Walks -------------------------------------------------------------------------

CREATE FUNCTION agentmem.neighbors(
  store name, namespace text, ids bigint[], types text[] DEFAULT NULL, depth int DEFAULT 1, max_nodes int DEFAULT 1000,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
  OUT id bigint, OUT depth int, OUT via bigint, OUT type text, OUT weight real, OUT outgoing boolean)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_neighbors';
COMMENT ON FUNCTION agentmem.neighbors(name, text, bigint[], text[], int, int, timestamptz, timestamptz) IS
  'The memories around others, along edges of either direction: nearest first, then by the weight of the edge that leads to them';

CREATE FUNCTION agentmem.shortest_path(
  store name, namespace text, source bigint, target bigint, types text[] DEFAULT NULL, max_depth int DEFAULT 10, max_nodes int DEFAULT 100000,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
  OUT step int, OUT id bigint, OUT type text)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_shortest_path';
COMMENT ON FUNCTION agentmem.shortest_path(name, text, bigint, bigint, text[], int, int, timestamptz, timestamptz) IS
  'A way of fewest edges between two memories, along edges of either direction; no rows: there is none of max_depth edges';

CREATE FUNCTION agentmem.graph(
  store name, namespace text, format text DEFAULT 'mermaid', ids bigint[] DEFAULT NULL, types text[] DEFAULT NULL, depth int DEFAULT 1,
  max_nodes int DEFAULT 50, valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS text LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_graph';
COMMENT ON FUNCTION agentmem.graph(name, text, text, bigint[], text[], int, int, timestamptz, timestamptz) IS
  'The memories around ids, or the newest, with the edges among them, for a program that draws: mermaid, dot or json';

CREATE FUNCTION agentmem.ppr(
  store name, namespace text, seeds bigint[], weights real[] DEFAULT NULL, damping real DEFAULT 0.5, epsilon real DEFAULT 1e-5,
  types text[] DEFAULT NULL, k int DEFAULT 100, valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
  OUT id bigint, OUT score double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_ppr';
COMMENT ON FUNCTION agentmem.ppr(name, text, bigint[], real[], real, real, text[], int, timestamptz, timestamptz) IS
  'Personalized PageRank from the seeds over the edges of a namespace, reading only what lies near them; what is missing is at most 1 minus the sum of all scores';

CREATE FUNCTION agentmem.spread(
  store name, namespace text, seeds bigint[], weights real[] DEFAULT NULL, retention real DEFAULT 0.5, spread real DEFAULT 0.8,
  steps int DEFAULT 3, fan int DEFAULT 30, types text[] DEFAULT NULL, k int DEFAULT 100,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
  OUT id bigint, OUT score double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_spread';
COMMENT ON FUNCTION agentmem.spread(name, text, bigint[], real[], real, real, int, int, text[], int, timestamptz, timestamptz) IS
  'Spreading activation from the seeds: in each step a memory keeps a part of its activation and gives a part to its neighbours, along its heaviest edges';

CREATE FUNCTION agentmem.transitions(
  store name, namespace text, types text[] DEFAULT NULL, damp_hubs boolean DEFAULT true,
  valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
  OUT source bigint, OUT target bigint, OUT weight double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 10000
AS 'MODULE_PATHNAME', 'agm_fn_transitions';
COMMENT ON FUNCTION agentmem.transitions(name, text, text[], boolean, timestamptz, timestamptz) IS
  'The edges of a namespace with the weights by which ppr() follows them, both directions of those that have no direction: for pagerank() and communities()';

-- Whole graphs --------------------------------------------------------------------

CREATE FUNCTION agentmem.pagerank(
  edges text, damping double precision DEFAULT 0.85, tolerance double precision DEFAULT 1e-6, max_iterations int DEFAULT 100,
  directed boolean DEFAULT true, OUT node bigint, OUT rank double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_pagerank';
COMMENT ON FUNCTION agentmem.pagerank(text, double precision, double precision, int, boolean) IS
  'PageRank of the graph that a query returns: source bigint, target bigint [, weight double precision]; of any tables, by node';

CREATE FUNCTION agentmem.personalized_pagerank(
  edges text, seeds bigint[], weights double precision[] DEFAULT NULL, damping double precision DEFAULT 0.5,
  tolerance double precision DEFAULT 1e-6, max_iterations int DEFAULT 100, directed boolean DEFAULT true,
  OUT node bigint, OUT rank double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_personalized_pagerank';
COMMENT ON FUNCTION agentmem.personalized_pagerank(text, bigint[], double precision[], double precision, double precision, int, boolean) IS
  'PageRank whose walks begin anew at the seeds, of the graph that a query returns; rank that no edge leads on goes back to the seeds';

CREATE FUNCTION agentmem.communities(edges text, resolution double precision DEFAULT 1, OUT node bigint, OUT community bigint)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_communities';
COMMENT ON FUNCTION agentmem.communities(text, double precision) IS
  'Communities of the undirected graph that a query returns, by modularity (Louvain), each connected and named by its smallest node';

-- Outline -------------------------------------------------------------------------

CREATE FUNCTION agentmem.outline(store name, namespace text, parent bigint DEFAULT NULL, n int DEFAULT 100,
  OUT id bigint, OUT kind text, OUT title text, OUT summary text, OUT period tstzrange, OUT children bigint, OUT tokens int)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_outline';
COMMENT ON FUNCTION agentmem.outline(name, text, bigint, int) IS
  'The children of a memory, oldest first, or the memories that are no children, newest first: title, beginning of the content, number of children, tokens of the content. A child names its parent, is part_of it, or is summed up by it (summary_of)';

-- Extracts ------------------------------------------------------------------------

CREATE FUNCTION agentmem.extracts(texts text[], n int DEFAULT 3, language text DEFAULT 'english', OUT place int, OUT sentence text, OUT rank double precision)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL SAFE COST 100000 ROWS 3
AS 'MODULE_PATHNAME', 'agm_fn_extracts';
COMMENT ON FUNCTION agentmem.extracts(text[], int, text) IS
  'The sentences that say most of what the texts say, best first (LexRank): a summary without a model; place counts sentences from 1';

CREATE FUNCTION agentmem.summarize(texts text[], sentences int DEFAULT 3, language text DEFAULT 'english')
RETURNS text LANGUAGE c STABLE PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'agm_fn_summarize';
COMMENT ON FUNCTION agentmem.summarize(text[], int, text) IS
  'The sentences that say most of what the texts say, in the order of the texts: a summary without a model; NULL if there is no sentence';
