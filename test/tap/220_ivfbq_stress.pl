# Writers, readers with quick and with slow cursors, and VACUUM without a pause: every answer is that of a sequential scan of
# the same snapshot, and the index is sound at the end.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nmax_connections = 30");
$node->start;
# Limits so low that lists are clustered, split, brought and given back all the time.
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial, tenant int, embedding agentmem.vector(12));
	CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
	INSERT INTO docs (tenant, embedding) SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i % 30 END, CASE WHEN i % 50 > 0 THEN some_vector(i, 12) END FROM generate_series(1, 2000) i;
	-- The same snapshot, by the index with a pause after the first row, and without it.
	CREATE FUNCTION compare(wanted int, seed int, pause float8, exact boolean) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		query text := format('SELECT id, embedding OPERATOR(agentmem.<->) some_vector(%s, 12) AS distance FROM docs WHERE tenant = %s ORDER BY embedding OPERATOR(agentmem.<->) some_vector(%1$s, 12)', seed, wanted);
		rows refcursor;
		one record;
		by_index text[];
		by_scan text[];
		last float8 := -1;
	BEGIN
		PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true), set_config('agentmem.ivfbq_exact', exact::text, true);
		OPEN rows FOR EXECUTE query;
		FETCH rows INTO one;
		WHILE FOUND LOOP
			IF by_index IS NULL THEN
				PERFORM pg_sleep(pause);
			END IF;
			by_index := by_index || (one.id || ' ' || one.distance);
			IF exact AND one.distance < last THEN
				RAISE EXCEPTION 'not in order: % after %', one.distance, last;
			END IF;
			last := one.distance;
			FETCH rows INTO one;
		END LOOP;
		CLOSE rows;
		PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'on', true);
		EXECUTE format('SELECT array_agg(id || '' '' || distance) FROM (%s) q', query) INTO by_scan;
		IF (SELECT array_agg(x ORDER BY x) FROM unnest(by_index) x) IS DISTINCT FROM (SELECT array_agg(x ORDER BY x) FROM unnest(by_scan) x) THEN
			RAISE EXCEPTION 'tenant %: % rows by the index, % by a scan, missing %, too many %', wanted, cardinality(by_index), cardinality(by_scan),
				(SELECT array_agg(x) FROM (SELECT unnest(by_scan) x EXCEPT ALL SELECT unnest(by_index)) q), (SELECT array_agg(x) FROM (SELECT unnest(by_index) x EXCEPT ALL SELECT unnest(by_scan)) q);
		END IF;
		PERFORM set_config('enable_indexscan', 'on', true);
	END $$;
});
is($node->safe_psql('postgres', q{SET enable_seqscan = off; SET enable_sort = off;
	EXPLAIN (COSTS OFF) SELECT id FROM docs WHERE tenant = 3 ORDER BY embedding OPERATOR(agentmem.<->) some_vector(1, 12)}) =~ /Index Scan using docs_idx/, 1, 'the index answers');

my $seconds = $ENV{AGENTMEM_FULL} ? 120 : 15;
my %scripts = (
	insert => q{
		\set n random(1, 1000000)
		\set t random(1, 60)
		INSERT INTO docs (tenant, embedding) SELECT CASE WHEN :t < 20 THEN 1 WHEN :t < 50 THEN :t ELSE :n + i END, CASE WHEN i % 7 > 0 THEN some_vector(i, 12) END
			FROM generate_series(:n, :n + :t) i;
	},
	update => q{
		\set n random(0, 19)
		UPDATE docs SET embedding = some_vector(id + :n, 12) WHERE id % 20 = :n AND random() < 0.2;
	},
	delete => q{
		\set n random(0, 9)
		DELETE FROM docs WHERE tenant % 10 = :n AND random() < 0.3;
		DELETE FROM docs WHERE tenant = 1 AND random() < 0.05;
		\sleep 100 ms
	},
	vacuum => q{
		VACUUM (INDEX_CLEANUP ON) docs;
		\sleep 10 ms
	},
	quick => q{
		\set n random(1, 100000)
		\set t random(1, 30)
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT compare(:t, :n, 0, true);
		SELECT compare(1, :n, 0, :n % 2 = 0);
		COMMIT;
	},
	slow => q{
		\set n random(1, 100000)
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT compare(1, :n, 0.7, :n % 4 = 0);
		COMMIT;
	},
);
my %clients = (insert => 2, slow => 2);
my $dir = PostgreSQL::Test::Utils::tempdir;
my %running;
for my $name (sort keys %scripts)
{
	append_to_file("$dir/$name.sql", $scripts{$name});
	my ($out, $err) = ('', '');
	$running{$name} = {out => \$out, err => \$err};
	$running{$name}{process} = IPC::Run::start(
		['pgbench', '-n', '-T', $seconds, '-c', $clients{$name} // 1, '--max-tries=1000', '-f', "$dir/$name.sql", '-h', $node->host, '-p', $node->port, 'postgres'],
		'>', \$out, '2>', \$err);
}
for my $name (sort keys %running)
{
	$running{$name}{process}->finish;
	is(${$running{$name}{err}} =~ /error|FATAL|aborted/i ? ${$running{$name}{err}} : '', '', "$name: no errors");
	like(${$running{$name}{out}}, qr/number of transactions actually processed: [1-9]/, "$name: did something");
	note(${$running{$name}{out}} =~ /(actually processed: \d+)/);
}

like($node->safe_psql('postgres', q{SELECT agentmem.index_check('docs_idx', true)}), qr/^\d+$/, 'the index is sound');
is($node->safe_psql('postgres', q{VACUUM (INDEX_CLEANUP ON) docs; SELECT agentmem.index_check('docs_idx', true) = (SELECT count(*) FROM docs)}), 't', 'and has as many rows as the table after VACUUM');
cmp_ok($node->safe_psql('postgres', q{SELECT moves FROM agentmem.index_stats('docs_idx')}), '>', 20, 'rows were moved meanwhile');
note($node->safe_psql('postgres', q{SELECT index_stats FROM agentmem.index_stats('docs_idx')}));

$node->stop;
done_testing();
