# The log of what recall returned: what it costs in transaction ids, on a standby, beside erase at its most awkward moment, with
# the extension gone, and with maintenance killed in the middle (src/memory/README.md, "Access log").
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Points qw(points_library use_points hold_at waits release);
use Test::More;

my $library = points_library();
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nlog_min_messages = log");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem');
	SELECT agentmem.remember('mem', 'n', 'memory number ' || i, 'episode') FROM generate_series(1, 30) i;
});

sub next_id { return $node->safe_psql('postgres', 'SELECT pg_snapshot_xmax(pg_current_snapshot())::text'); }
sub log_rows { return $node->safe_psql('postgres', 'SELECT count(*) FROM mem.access'); }

# Transactions of their own.
sub recalls
{
	my ($session, $n) = @_;
	$session->query_safe(join("\n", map { "SELECT count(*) FROM agentmem.recall('mem', 'n', 'number $_');" } 1 .. $n));
	return;
}

# Ids: none for 199 recalls, at most one for a hundred, however short the interval.
my $reader = $node->background_psql('postgres');
my $before = next_id();
recalls($reader, 100);
is(next_id(), $before, 'a hundred recalls take no transaction id');
is(log_rows(), 0, 'and write nothing');
$reader->query_safe('SET agentmem.access_log_interval = 1');
recalls($reader, 900);
cmp_ok(next_id() - $before, '<=', 10, 'a thousand across the interval take ten at most');
cmp_ok(next_id() - $before, '>=', 2, 'and some');
cmp_ok(log_rows(), '>', 0, 'for which there are rows');
my $read_only = next_id();
$reader->query_safe('SET default_transaction_read_only = on');
recalls($reader, 250);
is(next_id(), $read_only, 'read-only ones take none');
$reader->query_safe('SET default_transaction_read_only = off');
$reader->quit;

# A standby notes nothing; promoted, it does.
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby = on');
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my $session = $standby->background_psql('postgres');
$session->query_safe('SET agentmem.access_log_interval = 0');
recalls($session, 210);
pass('a standby recalls');
$standby->promote;
$standby->safe_psql('postgres', 'TRUNCATE mem.access');
$session->query_safe("SELECT action FROM agentmem.remember('mem', 'n', 'after it', 'fact')");
is($standby->safe_psql('postgres', 'SELECT count(*) FROM mem.access'), 0, 'which is not written afterwards');
recalls($session, 1);
$session->query_safe("SELECT action FROM agentmem.remember('mem', 'n', 'after it', 'fact')");
is($standby->safe_psql('postgres', 'SELECT count(*) FROM mem.access'), 10, 'promoted, what it recalls is written');
$session->quit;
$standby->stop;

# Written, not committed, while it is erased: erase waits, and finds it.
use_points($node, $library);
my %at = map { $_ => $node->background_psql('postgres') } qw(holder writer eraser);
$node->safe_psql('postgres', 'TRUNCATE mem.access');
$at{writer}->query_safe("SELECT count(*) FROM agentmem.recall('mem', 'n', k => 30)");
$at{holder}->query_safe('SELECT pg_advisory_lock(1)');
hold_at($at{writer}, 'accesses written', 1);
$at{writer}{stdin} .= "SELECT action FROM agentmem.remember('mem', 'm', 'a word', 'fact');\n";
$at{writer}{run}->pump_nb();
ok(waits($node, 1), 'a session has written accesses and is about to commit');
$at{eraser}{stdin} .= "SELECT agentmem.erase('mem', 'n', everything => true) -> 'erased' -> 'access' AS erased;\n";
$at{eraser}{run}->pump_nb();
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'object' AND NOT granted}), 'erase waits for it');
release($at{holder}, 1);
$at{writer}->query_safe("SET agentmem_test.point = ''");
like($at{eraser}->query_safe('SELECT 1'), qr/\b30\b/, 'and erases what it wrote');
is(log_rows(), 0, 'nothing is left');
# Killed there: nothing of it, and the next goes on.
$node->safe_psql('postgres', "SELECT agentmem.remember('mem', 'n', 'memory number ' || i, 'episode') FROM generate_series(1, 30) i");
my $killed = $node->background_psql('postgres', on_error_stop => 0);
$killed->query_safe("SELECT count(*) FROM agentmem.recall('mem', 'n', k => 30)");
$killed->query_safe("SET agentmem_test.point = 'accesses written'; SET agentmem_test.action = 'error'");
my ($said, $failed) = $killed->query("SELECT action FROM agentmem.remember('mem', 'm', 'another word', 'fact')");
is(log_rows(), 0, 'a writer that fails there has written nothing');
$killed->query("SET agentmem_test.point = ''");
$killed->query("SELECT action FROM agentmem.remember('mem', 'm', 'another word', 'fact')");
is(log_rows(), 0, 'and does not write it the next time');
$killed->quit;
# A reader that fails there has his answer.
$killed = $node->background_psql('postgres');
$killed->query_safe("SET agentmem.access_log_interval = 0; SET agentmem_test.point = 'accesses written'; SET agentmem_test.action = 'error'");
my $log_start = -s $node->logfile;
recalls($killed, 230);
is(log_rows(), 0, 'a reader that fails there has written nothing');
ok($node->log_contains('accesses to memories are lost', $log_start), 'which the log of the server says, not he');
$killed->quit;
$_->quit for values %at;

# With the extension gone, or its store, while something is noted.
$node->safe_psql('postgres', 'CREATE DATABASE other');
my $last = $node->background_psql('other', on_error_stop => 0);
$last->query_safe(q{
	SET client_min_messages = warning;
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('gone');
	SELECT agentmem.remember('gone', 'n', 'memory number ' || i, 'episode') FROM generate_series(1, 30) i});
$last->query_safe("SELECT count(*) FROM agentmem.recall('gone', 'n')");
$last->query_safe("BEGIN; SELECT agentmem.remember('gone', 'n', 'x'); DROP EXTENSION agentmem CASCADE; COMMIT");
is($last->query_safe('SELECT count(*) FROM gone.access'), 10, 'dropped in the same transaction: nothing breaks');
$last->query_safe('DROP SCHEMA gone CASCADE; CREATE EXTENSION agentmem');
is($last->query_safe(q{SELECT 1}), 1, 'and the session goes on');
$last->quit;

# Maintenance killed while it folds: each access is counted once, in the log or in activity.
$node->safe_psql('postgres', q{
	TRUNCATE mem.access, mem.activity;
	INSERT INTO mem.access SELECT 'n', m.id, now(), 1 FROM mem.memory m, generate_series(1, 300) WHERE namespace = 'n'});
my $total = $node->safe_psql('postgres', 'SELECT sum(accesses) FROM mem.access');
my $script = PostgreSQL::Test::Utils::tempdir() . '/fold.sql';
append_to_file($script, <<'END');
INSERT INTO mem.access SELECT 'n', m.id, now(), 1 FROM mem.memory m WHERE namespace = 'n' ORDER BY random() LIMIT 20;
SELECT count(*) FROM agentmem.maintain('mem', 'n');
END
my $sum = 'SELECT coalesce((SELECT sum(accesses) FROM mem.access), 0) + coalesce((SELECT sum(accesses) FROM mem.activity), 0)';
for my $round (1 .. 3)
{
	my ($out, $err) = ('', '');
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 3, '-T', 60, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', 'SELECT sum(accesses) > 0 FROM mem.activity');
	$node->safe_psql('postgres', 'SELECT pg_sleep(0.7)');
	# Of a batch of 20 all or nothing.
	my @pids = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity');
	push @pids, (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	$node->kill9;
	$bench->finish;
	for (1 .. 300)
	{
		last unless grep { kill(0, $_) } @pids;
		select(undef, undef, undef, 0.1);
	}
	$node->start;
	my $now = $node->safe_psql('postgres', $sum);
	is(($now - $total) % 20, 0, "round $round: whole batches");
	cmp_ok($now, '>', $total, 'some of them');
	$node->safe_psql('postgres', q{SELECT count(*) FROM agentmem.maintain('mem', 'n')});
	is($node->safe_psql('postgres', $sum), $now, 'folded, they are as many');
	is(log_rows(), 0, 'and all are folded');
}
$node->stop;
done_testing();
