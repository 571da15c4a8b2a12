# Sixteen clients change the same eight keys at once, each call its own transaction: only
# serialization failures, no deadlock; afterwards the values of a key follow each other, and there
# are as many versions as the calls that said that they made one.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $calls = $ENV{AGENTMEM_FULL} ? 400 : 60;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_connections = 50");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem CASCADE');

# One call, and what it said.  What a call may refuse is noted: no such memory, a time that is
# taken, nothing to undo.
$node->safe_psql('postgres', q{
	CREATE TABLE said (action text, related bigint[], operation bigint, changed boolean);
	CREATE FUNCTION act(what int, k int, v int) RETURNS void LANGUAGE plpgsql AS $$
	<<act>>
	DECLARE
		id bigint;
		operation bigint;
		said record;
	BEGIN
		IF what IN (4, 5) THEN
			SELECT m.id INTO id FROM mem.memory m WHERE m.subject = 's' || k ORDER BY random() LIMIT 1;
		END IF;
		CASE what
			WHEN 1 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s is %s', k, v), 'fact',
					subject => 's' || k, predicate => 'is', object => v::text);
			WHEN 2 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s was %s', k, v), 'fact',
					subject => 's' || k, predicate => 'is', object => v::text, valid_from => clock_timestamp() - v * interval '1 s');
			WHEN 3 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s is so', k), 'fact',
					subject => 's' || k, predicate => 'is', tags => ARRAY['t' || v]);
			WHEN 4 THEN
				PERFORM agentmem.revise('mem', 'n', id, format('s%s is rather %s', k, v));
				SELECT 'revise' AS action, NULL::bigint[] AS related INTO said;
			WHEN 5 THEN
				SELECT CASE WHEN agentmem.forget('mem', 'n', id) THEN 'forget' ELSE 'none' END AS action, NULL::bigint[] AS related INTO said;
		END CASE;
		IF what < 4 THEN
			id := said.id;
		END IF;
		-- Another transaction may have begun in the same microsecond.
		SELECT max(a.id) INTO operation FROM mem.audit a WHERE a.at = now() AND act.id = ANY (a.ids);
		INSERT INTO said VALUES (said.action, said.related, operation, operation IS NOT NULL);
	EXCEPTION WHEN no_data_found OR exclusion_violation OR null_value_not_allowed THEN
		INSERT INTO said VALUES ('refused');
	END $$;
});

my $script = $node->basedir . '/act.pgbench';
append_to_file($script, <<'END');
\set what random(1, 5)
\set k random(1, 8)
\set v random(1, 1000)
SELECT act(:what, :k, :v);
END

for my $isolation ('read committed', 'repeatable read')
{
	$node->safe_psql('postgres', "TRUNCATE said; SELECT agentmem.create_store('mem')");
	{
		local $ENV{PGOPTIONS} = "-c default_transaction_isolation=" . ($isolation =~ s/ /\\ /r);
		my ($stdout, $stderr) = run_command(
			[ 'pgbench', '-n', '-c', '16', '-j', '2', '-t', $calls, '--max-tries=10000', '-f', $script, $node->connstr('postgres') ]);
		my $all = 16 * $calls;
		like($stdout, qr{actually processed: $all/$all}, "$isolation: nothing but serialization failures") or diag($stderr);
	}
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM mem.memory a JOIN mem.memory b
		ON b.namespace = a.namespace AND b.key_hash = a.key_hash AND b.id > a.id AND b.valid_period && a.valid_period}),
		'0', "$isolation: at most one value a key at every instant");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM (SELECT id, system_period FROM mem.memory UNION ALL SELECT id, system_period FROM mem.memory_history) a
		JOIN mem.memory_history b ON b.id = a.id AND b.system_period && a.system_period AND b.system_period <> a.system_period}),
		'0', "$isolation: at most one version of a memory at every instant");
	my ($versions, $written) = split /\|/, $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM mem.memory) + (SELECT count(*) FROM mem.memory_history),
			sum(CASE a.action WHEN 'forget' THEN 0 ELSE cardinality(a.ids) END) FROM mem.audit a});
	is($versions, $written, "$isolation: a version for each memory that a call wrote");
	# A repetition is an operation only if it adds a tag that was not there.
	is($node->safe_psql('postgres', q{SELECT count(*) FROM mem.audit}),
		$node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE action IN ('inserted', 'superseded', 'revise', 'forget') OR changed) FROM said}),
		"$isolation: an operation for each call that changed something");
	is($node->safe_psql('postgres', q{
		SELECT count(*) FROM said s WHERE s.action IN ('inserted', 'superseded')
		AND cardinality(s.related) + 1 <> (SELECT cardinality(a.ids) FROM mem.audit a WHERE a.id = s.operation)}),
		'0', "$isolation: the memories that a call names are those that it wrote");
	$node->safe_psql('postgres', "SELECT agentmem.drop_store('mem', cascade => true)");
}
is($node->safe_psql('postgres', 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), '0', 'no deadlock');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|server process .* was terminated/, 'nor anything worse in the log');

$node->stop;
done_testing();
