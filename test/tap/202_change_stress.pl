# Sixteen clients change the same eight keys at once, each call its own transaction: only
# serialization failures, no deadlock; afterwards the values of a key follow each other, there are
# as many versions as calls made, less those that were erased, and nothing is left of what was.
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

# One call, and what it said.  What a call may refuse is noted: no such memory or conflict, a time
# that is taken, what was settled or changed later.  Of restore() and resolve() the audit does not
# say which of the memories they wrote; they are counted where nobody else can change them.
$node->safe_psql('postgres', q{
	CREATE TABLE said (action text, replaced bigint, operation bigint, written bigint);
	CREATE FUNCTION act(what int, k int, v int) RETURNS void LANGUAGE plpgsql AS $$
	<<act>>
	DECLARE
		kind text := CASE what WHEN 6 THEN 'preference' ELSE 'fact' END;
		id bigint;
		resolution text;
		operation bigint;
		said record;
		action text;
	BEGIN
		IF what IN (4, 5) OR (what = 9 AND v > 200) THEN
			SELECT m.id INTO id FROM mem.memory m WHERE m.subject = 's' || k ORDER BY random() LIMIT 1;
		END IF;
		CASE what
			WHEN 1, 6 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s is %s', k, v), kind,
					subject => 's' || k, predicate => 'is', object => v::text);
			WHEN 2 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s was %s', k, v), kind,
					subject => 's' || k, predicate => 'is', object => v::text, valid_from => clock_timestamp() - v * interval '1 s');
			WHEN 3 THEN
				SELECT * INTO said FROM agentmem.remember('mem', 'n', format('s%s is so', k), kind,
					subject => 's' || k, predicate => 'is', tags => ARRAY['t' || v]);
			WHEN 4 THEN
				PERFORM agentmem.revise('mem', 'n', id, format('s%s is rather %s', k, random()));
				action := 'revise';
			WHEN 5 THEN
				action := CASE WHEN agentmem.forget('mem', 'n', id, 'no more') THEN 'forget' END;
			WHEN 7 THEN
				SELECT c.a, c.id, (ARRAY['supersede', 'retain', 'annotate', 'merge'])[1 + v % 4] INTO id, operation, resolution
					FROM mem.conflict c WHERE c.resolution IS NULL ORDER BY random() LIMIT 1;
				PERFORM agentmem.resolve('mem', 'n', operation, resolution);
				action := 'resolve';
			WHEN 8 THEN
				-- One that was changed lately: an old operation is seldom the last of all its memories.
				SELECT i INTO id FROM (SELECT unnest(a.ids) AS i FROM mem.audit a ORDER BY a.id DESC LIMIT 10) a ORDER BY random() LIMIT 1;
				action := CASE WHEN agentmem.restore('mem', 'n', id) THEN 'restore' END;
			WHEN 9 THEN
				SELECT (r -> 'ids' ->> 0)::bigint INTO id FROM agentmem.erase('mem', 'n', ids => CASE WHEN v > 200 THEN ARRAY[id] END, subject => CASE WHEN v BETWEEN 21 AND 200 THEN 's' || k END,
					everything => v <= 20) r;
				action := CASE WHEN id IS NOT NULL THEN 'erase' END;
		END CASE;
		IF what IN (1, 2, 3, 6) THEN
			id := said.id;
			action := said.action;
		END IF;
		-- Another transaction may have begun in the same microsecond.
		SELECT max(a.id) INTO operation FROM mem.audit a WHERE a.at = now() AND act.id = ANY (a.ids);
		INSERT INTO said VALUES (coalesce(action, 'none'),
			-- Of another kind is what may contradict it.
			CASE WHEN action IN ('inserted', 'superseded') THEN
				(SELECT count(*) FROM mem.memory m WHERE m.id = ANY (said.related) AND m.kind = act.kind) END,
			operation, (SELECT count(*) FROM mem.memory m WHERE m.operation = act.operation AND lower(m.system_period) >= now()));
	EXCEPTION WHEN no_data_found OR exclusion_violation OR null_value_not_allowed OR invalid_parameter_value OR object_not_in_prerequisite_state THEN
		INSERT INTO said VALUES ('refused');
	END $$;
});

my $script = $node->basedir . '/act.pgbench';
append_to_file($script, <<'END');
\set what random(1, 9)
\set k random(1, 8)
\set v random(1, 1000)
SELECT act(:what, :k, :v);
END

# none(NAME, QUERY): the query counts what must not be.
sub none
{
	my ($name, $query) = @_;
	is($node->safe_psql('postgres', $query), '0', $name);
}

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
	$node->safe_psql('postgres', q{
		CREATE TABLE version AS SELECT id, operation, system_period FROM mem.memory UNION ALL SELECT id, operation, system_period FROM mem.memory_history;
		CREATE TABLE erased AS SELECT a.id AS operation, i AS id FROM mem.audit a, unnest(a.ids) i WHERE a.action = 'erase';
		CREATE TABLE named AS SELECT a.id AS operation, a.action, i AS id FROM mem.audit a, unnest(a.ids) i});
	none("$isolation: at most one value a key at every instant", q{
		SELECT count(*) FROM mem.memory a JOIN mem.memory b
		ON b.namespace = a.namespace AND b.key_hash = a.key_hash AND b.id > a.id AND b.valid_period && a.valid_period});
	none("$isolation: at most one version of a memory at every instant", q{
		SELECT count(*) FROM version a JOIN mem.memory_history b
		ON b.id = a.id AND b.system_period && a.system_period AND b.system_period <> a.system_period});

	# What an erasing took away is in its receipt: a last version of what was held is in the history by then.
	my ($versions, $written) = split /\|/, $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM version) + (SELECT coalesce(sum((details #>> '{erased,memory_history}')::int), 0) FROM mem.audit WHERE action = 'erase'),
			(SELECT count(*) FROM named WHERE action IN ('remember', 'revise'))
			+ (SELECT coalesce(sum(written), 0) FROM said WHERE action IN ('restore', 'resolve'))});
	is($versions, $written, "$isolation: a version for each memory that a call wrote, there or erased");
	none("$isolation: each remembered or revised memory has one version of that operation, unless it was erased", q{
		SELECT count(*) FROM named n WHERE action IN ('remember', 'revise') AND id NOT IN (SELECT id FROM erased)
		AND 1 <> (SELECT count(*) FROM version v WHERE v.id = n.id AND v.operation = n.operation)});
	none("$isolation: each version is named by the operation that it says wrote it", q{
		SELECT count(*) FROM version v WHERE NOT EXISTS (SELECT FROM named n WHERE n.id = v.id AND n.operation = v.operation AND n.action NOT IN ('forget', 'erase'))});
	none("$isolation: held, unless the last operation on it forgot it", q{
		SELECT count(*) FROM (SELECT id, (array_agg(action ORDER BY operation DESC))[1] = 'forget' AS forgotten FROM named
			GROUP BY id HAVING bool_and(action IN ('remember', 'revise', 'forget'))) n
		WHERE n.forgotten = EXISTS (SELECT FROM mem.memory m WHERE m.id = n.id)});

	none("$isolation: nothing is left of what was erased", qq{
		SELECT count(*) FROM erased e WHERE id IN (SELECT id FROM version UNION ALL SELECT id FROM mem.activity
		UNION ALL SELECT unnest(ARRAY[source, target]) FROM mem.edge UNION ALL SELECT unnest(ARRAY[a, b]) FROM mem.conflict)});
	none("$isolation: it was erased once", qq{
		SELECT count(*) FROM (SELECT e.id FROM erased e JOIN mem.audit a ON a.id = e.operation
		WHERE a.details ->> 'by' <> 'everything' GROUP BY e.id HAVING count(*) > 1) e});
	none("$isolation: nor why it was forgotten before", qq{
		SELECT count(*) FROM named e JOIN mem.audit a ON a.id = e.operation
		WHERE e.action = 'forget' AND a.details IS NOT NULL AND e.id IN (SELECT id FROM erased)});

	is($node->safe_psql('postgres', q{SELECT string_agg(a.id::text, ' ' ORDER BY a.id) FROM mem.audit a}),
		$node->safe_psql('postgres', q{SELECT string_agg(operation::text, ' ' ORDER BY operation) FROM said WHERE operation IS NOT NULL}),
		"$isolation: an operation for each call that changed something");
	# A repetition is an operation only if it adds a tag that was not there.
	none("$isolation: and each call that said so has one", q{
		SELECT count(*) FROM said WHERE operation IS NULL AND action NOT IN ('reinforced', 'none', 'refused')});
	none("$isolation: the memories that a call names are those that it wrote", q{
		SELECT count(*) FROM said s WHERE s.action IN ('inserted', 'superseded')
		AND NOT EXISTS (SELECT FROM mem.audit a WHERE a.id = s.operation AND cardinality(a.ids) = s.written AND s.written = s.replaced + 1)});
	is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT action, ' ' ORDER BY action) FROM said WHERE action NOT IN ('none', 'refused')}),
		'erase forget inserted reinforced resolve restore revise superseded', "$isolation: each sort of call succeeded");
	note($node->safe_psql('postgres', q{SELECT string_agg(action || ' ' || n, ', ' ORDER BY action) FROM (SELECT action, count(*) AS n FROM said GROUP BY action) s}));
	$node->safe_psql('postgres', "DROP TABLE version, erased, named; SELECT agentmem.drop_store('mem', cascade => true)");
}
is($node->safe_psql('postgres', 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), '0', 'no deadlock');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|server process .* was terminated/, 'nor anything worse in the log');

$node->stop;
done_testing();
