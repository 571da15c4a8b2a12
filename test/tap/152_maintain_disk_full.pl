# No space is left while maintenance is at work: an error of the system, no row is lost or half done, and the same call does all of it
# when there is space again. A worker tells, waits, and goes on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# As in 144_ivfbq_disk_full.pl: what lacks is the length that a file may have, for the servers that start from then on.
my ($ret) = run_command(['prlimit', '--version']);
plan skip_all => 'no prlimit to limit the length of files with' if !defined $ret || $ret !~ /prlimit/;

my $no_space = qr/could not (extend|write|resize)/;
my $page = 8192;

my $node = PostgreSQL::Test::Cluster->new('main');
# Files that are not meant must stay below the limit.
$node->init(extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nwal_level = replica\nlog_statement = none\nmax_wal_size = 64MB\nagentmem.worker_naptime = 1s\n");
$node->start;
my $postmaster = $node->{_pid};

# Memories that go to lower states (new versions of most rows, and rows of history), some that expire, some twice.
$node->safe_psql('postgres', 'CREATE DATABASE base');
$node->safe_psql('base', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 64);
	INSERT INTO mem.memory (namespace, content, kind, embedding, valid_period, expires_at)
		SELECT 'n', 'Nothing in particular was said about matter ' || i || repeat(' and so on', 10), 'episode',
			(SELECT array_agg(sin(i * 12.9898 + j * 78.233))::real[]::agentmem.vector FROM generate_series(1, 64) j), '[2024-01-01,)', CASE WHEN i % 5 = 0 THEN timestamptz '2029-01-01' END
		FROM generate_series(1, 4000) i;
	INSERT INTO mem.memory (namespace, content, kind, embedding, valid_period)
		SELECT 'n', CASE i % 2 WHEN 0 THEN 'The light is ' ELSE 'the light, is ' END || i / 2, 'context', (SELECT array_agg(cos(i / 2 + j * j))::real[]::agentmem.vector FROM generate_series(1, 64) j), '[2024-01-01,)'
		FROM generate_series(1, 40) i;
	VACUUM (ANALYZE);
});
$node->safe_psql('base', 'VACUUM (ANALYZE)');
my $run = q{SELECT sum(changed) > 1000 FROM agentmem.maintain('mem', 'n', at => '2029-06-01')};

sub limit
{
	my ($bytes, $pid) = @_;
	system_or_bail('prlimit', '--pid', $pid // $postmaster, "--fsize=$bytes:");
	return;
}

sub copy_of_base
{
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS copy');
	$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE base');
	return;
}

# Rows but for times and numbers that sequences gave.
sub rows_of_copy
{
	return $node->safe_psql('copy', join(' UNION ALL ', map {
		my ($table, $without) = @$_;
		"SELECT '$table', count(*), md5(string_agg(r, '' ORDER BY r)) FROM (SELECT (to_jsonb(t) - '{$without}'::text[])::text AS r FROM mem.$table t) rows"
	} ['memory', 'system_period,operation'], ['memory_history', 'system_period,operation'], ['audit', 'id,at'], ['edge', 'system_period,operation'], ['conflict', 'id,detected_at,operation']));
}

my $longest = q{SELECT max(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i', 't')};
copy_of_base();
my $before = rows_of_copy();
my $size = $node->safe_psql('copy', $longest);
cmp_ok($size, '>', 1024 * 1024, 'a relation is longer than a segment of the log');
is($node->safe_psql('copy', $run), 't', 'there is much to do');
my $wanted = rows_of_copy();
isnt($wanted, $before, 'which changes rows');
my $grown = $node->safe_psql('copy', $longest);
cmp_ok($grown, '>', $size + 32 * $page, 'and takes space');

# From no page more than there is to one less than it takes.
my $failed = 0;
foreach my $part (0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
{
	my ($out, $err);
	copy_of_base();
	limit($size + $page * int($part * ($grown - $size - $page) / $page));
	$node->psql('copy', $run, stdout => \$out, stderr => \$err);
	limit('unlimited');
	like($err, qr/ERROR:.*$no_space/, "$part of the space: it is told");
	is(rows_of_copy(), $before, 'and nothing has happened');
	is($node->safe_psql('copy', $run), 't', 'called again, it has much to do');
	is(rows_of_copy(), $wanted, 'and does all');
}

# By a worker: it does not end, the status tells, and all is done when there is space.
copy_of_base();
$node->safe_psql('copy', q{INSERT INTO mem.setting VALUES ('maintain_interval', '1 s'); UPDATE mem.memory SET expires_at = '2024-06-01' WHERE kind = 'episode'; VACUUM (FULL, ANALYZE) mem.memory});
limit($node->safe_psql('copy', $longest));
my $worker = $node->safe_psql('copy', 'SELECT agentmem.start_worker()');
ok($node->poll_query_until('copy', q{SELECT last_error ~ '^namespace "n": could not (extend|write|resize)' FROM agentmem.maintenance_status WHERE store = 'mem'}), 'a worker without space tells')
  or diag($node->safe_psql('copy', 'SELECT * FROM agentmem.maintenance_status'));
is($node->safe_psql('copy', q{SELECT count(*) FROM mem.memory WHERE kind = 'episode'}), '4000', 'no memory is gone');
limit('unlimited');
my $pid = $node->safe_psql('copy', 'SELECT agentmem.worker_pid()');
limit('unlimited', $pid);
ok($node->poll_query_until('copy', q{SELECT count(*) = 0 FROM mem.memory WHERE kind = 'episode'}), 'with space it does what it could not do')
  or diag($node->safe_psql('copy', 'SELECT * FROM agentmem.maintenance_status'));
is($node->safe_psql('copy', 'SELECT agentmem.worker_pid()'), $pid, 'and is the same');
is($node->safe_psql('copy', q{SELECT failures FROM agentmem.maintenance_status WHERE store = 'mem'}), '0', 'nothing waits for an hour');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|terminated by signal/, 'no process of the server crashed');
$node->stop;
done_testing();
