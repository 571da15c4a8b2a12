# maintain() killed at twenty of its statements, and where it folds accesses and writes summaries and a reflection, and called again, leaves the rows of a
# call that nobody disturbed; so do two at once. A dry run says what a run then does. A second run changes nothing.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\njit = off");
$node->start;

# A namespace with work for each step that does not depend on another's; the limits have one each.
$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 4);
	INSERT INTO mem.memory (namespace, content, kind, embedding)
		SELECT 'n', 'Turn ' || i || ' of Paris', 'episode', format('[%s,%s,%s,1]', i % 7, i % 5, i % 3)::agentmem.vector FROM generate_series(1, 60) i;
	INSERT INTO mem.memory (namespace, content, kind, embedding)
		SELECT 'n', CASE i % 2 WHEN 0 THEN 'The light ' ELSE 'light, ' END || chr(65 + i / 2), 'context', format('[%s,%s,1,0]', i / 2, i / 2 % 4)::agentmem.vector FROM generate_series(1, 20) i;
	INSERT INTO mem.memory (namespace, content, kind, embedding)
		SELECT 'n', 'fact ' || i, 'fact', format('[%s,%s,0,9]', i % 4, i % 3)::agentmem.vector FROM generate_series(1, 15) i;
	SELECT count(*) FROM generate_series(1, 10) i, LATERAL agentmem.remember('mem', 'n', 'soon ' || i, 'fact', expires_at => '2030-01-01');
	SELECT count(*) FROM generate_series(1, 10) i, LATERAL agentmem.link('mem', 'n', i, 80 + i, 'caused_by') a, LATERAL agentmem.link('mem', 'n', 20 + i, 90, 'caused_by') b;
	SELECT count(*) FROM generate_series(1, 30) i, LATERAL agentmem.remember('mem', 'q', 'here ' || i, 'fact', importance => 1.0 / i);
	SELECT agentmem.set_namespace('mem', 'q', quota => 22);
	SELECT count(*) FROM generate_series(1, 5) i, LATERAL agentmem.remember('mem', 's', 'Turn ' || i || ' of a talk in Rome', 'episode', session => 'talk', valid_from => '2025-01-01');
	INSERT INTO mem.access (namespace, id, at, accesses) SELECT 's', id, '2025-01-02', 1 + id % 3 FROM mem.memory WHERE namespace = 's';
	SELECT count(*) FROM generate_series(1, 4) i, LATERAL agentmem.remember('mem', 'r', 'The old printer of the second floor jams on thick yellow paper, time ' || i, 'episode', session => 'day ' || i, embedding => '[1,2,3,4]', valid_from => '2025-01-01');
	SELECT count(*) FROM generate_series(1, 12) i, LATERAL agentmem.remember('mem', 'p', 'past ' || i, 'fact', key => 'k' || i);
});
$node->safe_psql('base', q{SELECT agentmem.remember('mem', 'p', 'later ' || i, 'fact', key => 'k' || i) FROM generate_series(1, 8) i});
$node->safe_psql('base', q{SELECT agentmem.forget('mem', 'p', id) FROM mem.memory WHERE key IN ('k3', 'k9', 'k10')});
$node->safe_psql('base', q{
	SELECT agentmem.set_namespace('mem', 'p', history_keep => '30 days');
	INSERT INTO mem.setting VALUES ('similar', '2'), ('concepts', '3'), ('importance', 'rank'), ('summaries', '2'), ('promotion', '3'), ('communities', '4'), ('reflect_jobs', 'on'), ('audit_keep', '100 years');
	UPDATE mem.setting SET value = '1 day' WHERE name = 'audit_keep';
	-- By its id the summary is told from all other numbers: a sequence does not go back.
	ALTER SEQUENCE mem.id_seq RESTART 7000000;
	-- Every statement that writes counts, and the one that was chosen is the last.
	CREATE SEQUENCE n;
	CREATE TABLE written (n bigint, relation name, operation text);
	CREATE TABLE fatal (n bigint);
	CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		this bigint := nextval('public.n');
	BEGIN
		INSERT INTO public.written VALUES (this, TG_TABLE_NAME, TG_OP);
		IF this = (SELECT f.n FROM public.fatal f) THEN
			PERFORM pg_terminate_backend(pg_backend_pid());
			PERFORM pg_sleep(60);
		END IF;
		RETURN NULL;
	END $$;
	DO $$
	DECLARE
		t name;
	BEGIN
		FOR t IN SELECT agentmem.data_tables('mem'::regnamespace) LOOP
			EXECUTE format('CREATE TRIGGER counted_before BEFORE INSERT OR UPDATE OR DELETE ON mem.%I FOR EACH STATEMENT EXECUTE FUNCTION public.count_statement()', t);
			EXECUTE format('CREATE TRIGGER counted_after AFTER INSERT OR UPDATE OR DELETE ON mem.%I FOR EACH STATEMENT EXECUTE FUNCTION public.count_statement()', t);
		END LOOP;
	END $$;
});

my $at = q{at => '2031-01-01'};
my $run = qq{SELECT step, n, changed FROM unnest('{n,p,q,r,s}'::text[]) n, LATERAL agentmem.maintain('mem', n, $at) WHERE step <> 'statistics' ORDER BY n, step};

sub copy_of_base
{
	my ($name) = @_;
	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS $name");
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE base");
}

# All rows, but for times, what sequences and chance gave, and how often a lock was taken.
sub rows_of
{
	my ($name) = @_;
	my $rows = $node->safe_psql($name, join(' UNION ALL ', map {
		my ($table, $without) = @$_;
		"SELECT '$table ' || (to_jsonb(t) - '{$without}'::text[])::text FROM mem.$table t"
	} (['memory', 'system_period,operation'], ['memory_history', 'system_period,operation'], ['edge', 'system_period,operation'], ['edge_history', 'system_period,operation'],
		['activity', 'last_confirmed'], ['audit', 'id,at'], ['conflict', 'id,detected_at,operation'], ['concept', ''], ['secret', 'system_period'], ['job', 'id,run_at,created,payload'], ['key_lock', 'n,hash'], ['access', ''],
		['namespace', 'maintained,steps'])) . ' ORDER BY 1');
	$rows =~ s/\b70000\d\d\b/summary/g;
	$rows =~ s{maintain/(summary|reflection|community)/[0-9a-f-]+}{maintain/$1/}g;
	return join("\n", sort split(/\n/, $rows)) . "\n";
}

# One that nobody disturbs.
copy_of_base('undisturbed');
my $told = $node->safe_psql('undisturbed', $run =~ s/at => '2031-01-01'/at => '2031-01-01', dry_run => true/r);
my $before = rows_of('undisturbed');
is($before, rows_of('base'), 'a dry run writes nothing');
my $done = $node->safe_psql('undisturbed', $run);
# Not of steps that find what others have done: edges to what is merged, versions of what is forgotten.
my $others = qr/^(?:links|concepts|purge)\|.*\n?/m;
is($told =~ s/$others//gr, $done =~ s/$others//gr, 'it says what a run does');
like($done, qr/^$_\|/m, "there is work for $_") foreach qw(fold expire sweep duplicates conflicts links concepts importance summaries promotion communities quota purge);
my $wanted = rows_of('undisturbed');
isnt($wanted, $before, 'which changes rows');
my $statements = $node->safe_psql('undisturbed', q{SELECT last_value FROM n});
cmp_ok($statements, '>', 100, "in $statements half statements");
is($node->safe_psql('undisturbed', "SELECT count(*) FROM ($run) r WHERE changed > 0"), '0', 'the next run has nothing to do');
is(rows_of('undisturbed') =~ s/^namespace .*\n?//gmr, $wanted =~ s/^namespace .*\n?//gmr, 'and changes nothing');

# Killed at each of these, then called again.
my @kills = map { 1 + int(($statements - 1) * ($_ - 0.5) / 20) } 1 .. 20;
push @kills, split(/\n/, $node->safe_psql('undisturbed', qq{SELECT max(n) FROM written WHERE relation IN ('access', 'job', 'memory') AND operation IN ('DELETE', 'INSERT') AND n <= $statements GROUP BY relation, operation ORDER BY 1}));
is(scalar(@kills), 24, 'kills where accesses are folded, memories go, a summary and a reflection come');
foreach my $n (@kills)
{
	copy_of_base('killed');
	$node->safe_psql('killed', "INSERT INTO fatal VALUES ($n)");
	my ($ret, $out, $err) = $node->psql('killed', $run);
	isnt($ret, 0, "killed at $n");
	# Each namespace is a statement of a transaction: nothing of the call is there.
	is(rows_of('killed'), $before, "nothing has happened");
	$node->safe_psql('killed', 'DELETE FROM fatal');
	$node->safe_psql('killed', $run);
	is(rows_of('killed'), $wanted, "killed at $n and called again");
}

# Two at once.
copy_of_base('twice');
my @both = map { my ($in, $out, $err) = ('', '', ''); IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('twice'), '-c', $run ], '<', \$in, '>', \$out, '2>', \$err) } 1 .. 2;
$_->finish foreach @both;
is($_->result(0), 0, 'one of two at once') foreach @both;
is(rows_of('twice') =~ s/^namespace .*\n?//gmr, $wanted =~ s/^namespace .*\n?//gmr, 'two at once');

$node->stop;
done_testing();
