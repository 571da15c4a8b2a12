# What others have costs a recall under row security a page for each index that it descends, where that has grown by a
# level, and nothing else: pages read in a namespace of 2,000 memories, alone and beside 100,000 of others (--full: and 1,000,000).
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = 256MB\nmaintenance_work_mem = 256MB\nmax_wal_size = 4GB\nfsync = off\nautovacuum = off\njit = off");
$node->start;
# mine: facts that nothing links.  told: a talk, each turn linked to the next, half of them used before.
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('big', dimensions => 8);
	SELECT agentmem.enable_row_security('big');
	CREATE ROLE tenant;
	GRANT USAGE ON SCHEMA big TO tenant;
	GRANT SELECT ON ALL TABLES IN SCHEMA big TO tenant;
	CREATE FUNCTION load(ns text, kind text, first int, last int) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM agentmem.remember_many('big', ns, (SELECT jsonb_agg(jsonb_build_object('content', 'number ' || i || ' topic' || i % 97,
			'kind', kind, 'session', CASE WHEN kind = 'episode' THEN 's' || i / 50 END,
			'embedding', jsonb_build_array(i % 7, i % 11, i % 13, i % 17, i % 19, i % 23, 1, i % 29))) FROM generate_series(first, last) i)) $$;
	CREATE FUNCTION pages(ns text) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE plan json; n bigint; least bigint;
	BEGIN
		FOR i IN 1 .. 9 LOOP
			EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM agentmem.recall(''big'', %L, ''42 topic42'', ''[1,2,3,4,5,6,1,8]'')', ns) INTO plan;
			n := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
			least := least(least, n);
		END LOOP;
		RETURN least;
	END $$;
	SELECT load('mine', 'fact', 1, 2000);
	SELECT load('told', 'episode', 1, 2000);
	INSERT INTO big.activity (namespace, id, confirmations) SELECT namespace, id, 1 FROM big.memory WHERE namespace = 'told' AND id % 2 = 0 ON CONFLICT DO NOTHING;
	-- Others': the same memories, edges and activity under other names and ids; as the triggers would have it, which cost most of the time.
	CREATE SEQUENCE copies;
	CREATE FUNCTION others(n int) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		base bigint := 10000 + nextval('copies') * 10000000;
		col text;
	BEGIN
		ALTER TABLE big.memory DISABLE TRIGGER ALL;
		ALTER TABLE big.edge DISABLE TRIGGER ALL;
		INSERT INTO big.namespace (namespace, languages) SELECT 'other' || i, languages FROM big.namespace, generate_series(0, 9) i WHERE namespace = 'mine' ON CONFLICT DO NOTHING;
		SELECT string_agg(quote_ident(attname), ',') INTO col FROM pg_attribute WHERE attrelid = 'big.memory'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('namespace', 'id');
		EXECUTE format('INSERT INTO big.memory (namespace, id, %1$s) SELECT ''other'' || i %% 10, $1 + i * 10000 + id, %1$s FROM generate_series(1, $2) i, big.memory WHERE namespace IN (''mine'', ''told'')', col) USING base, n / 4000;
		SELECT string_agg(quote_ident(attname), ',') INTO col FROM pg_attribute WHERE attrelid = 'big.edge'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ('namespace', 'source', 'target');
		EXECUTE format('INSERT INTO big.edge (namespace, source, target, %1$s) SELECT ''other'' || i %% 10, $1 + i * 10000 + source, $1 + i * 10000 + target, %1$s FROM generate_series(1, $2) i, big.edge WHERE namespace = ''told''', col) USING base, n / 4000;
		INSERT INTO big.activity (namespace, id, confirmations) SELECT 'other' || i % 10, base + i * 10000 + id, confirmations FROM generate_series(1, n / 4000) i, big.activity WHERE namespace = 'told';
		ALTER TABLE big.memory ENABLE TRIGGER ALL;
		ALTER TABLE big.edge ENABLE TRIGGER ALL;
	END $$;
});

# Pages of a recall in both namespaces, as a tenant who may read both, with so many more memories of others.
sub pages_with
{
	my ($n) = @_;
	$node->safe_psql('postgres', "SELECT others($n)") if $n;
	$node->safe_psql('postgres', 'VACUUM ANALYZE');
	return split /\|/, $node->safe_psql('postgres', q{SET ROLE tenant; SET agentmem.namespace = 'mine,told'; SELECT pages('mine'), pages('told')});
}

# Some releases give no ctid for a row that an index scan has put in order itself (src/recall/README.md, "Rows"): what is found by
# vector, 120 rows here, is read by id then, a page more each for a level.  Core's own index says whether this one does.
my $no_ctid = $node->safe_psql('postgres', q{
	CREATE TABLE circles AS SELECT circle(point(i % 97, i % 89), i % 5) AS c FROM generate_series(1, 2000) i;
	CREATE INDEX ON circles USING gist (c);
	SET enable_seqscan = off;
	SELECT count(*) FROM (SELECT ctid FROM circles ORDER BY c <-> point(3, 3) LIMIT 100) x WHERE ctid = '(4294967295,0)'});
my $by_id = $no_ctid > 0 ? 120 : 0;
note("rows that were put in order have no ctid here: $no_ctid of 100") if $by_id;

my ($mine, $told) = pages_with(0);
# The last is what look-ups may add: measured are 15 and 187, where indexes are read directly; by statement they were 192 and 362.
my @more = ([ 100_000, pages_with(100_000), 60, $by_id ]);
push @more, [ 1_000_000, pages_with(900_000), 250, 2 * $by_id ] if $ENV{AGENTMEM_FULL};
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM big.memory WHERE namespace <> ALL ('{mine,told}')}), '==', $more[-1][0], 'others are there');
is($node->safe_psql('postgres', q{SET ROLE tenant; SET agentmem.namespace = 'mine'; SELECT count(*) FROM agentmem.recall('big', 'mine', '42 topic42', '[1,2,3,4,5,6,1,8]', k => 50, shared => '{other1}') WHERE namespace = 'mine'}), 50, 'k rows are k rows');
foreach (@more)
{
	my ($others, $mine_beside, $told_beside, $looked_up, $read_by_id) = @$_;
	note("beside $others of others: facts $mine_beside (alone $mine), a talk $told_beside (alone $told)");
	# One for each of two words, for the namespace's statistics, for its embeddings.
	cmp_ok($mine_beside - $mine, '<=', 6 + $read_by_id, "beside $others: a page for each index that is descended");
	# What edges lead to is looked up together, who was used before one by one.
	cmp_ok($told_beside - $told, '<=', $looked_up + $read_by_id, "beside $others: ... and for each look-up of an edge, its end and its activity");
}

$node->stop;
done_testing();
