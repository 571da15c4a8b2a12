# Debian's sqlsmith asks a database that has a store what nobody would ask, for some minutes (AGENTMEM_SMITH seconds; with --full
# twenty minutes): no crash, no assertion, no error that should never be seen, and a session that does not grow.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Fuzz qw(setup_sql);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{AGENTMEM_SMITH} || ($ENV{AGENTMEM_FULL} ? 1200 : 0) or plan(skip_all => 'slow');
plan(skip_all => 'sqlsmith is not installed') unless IPC::Run::run([ 'sh', '-c', 'command -v sqlsmith' ], '>', \my $where);
my $seed = $ENV{AGENTMEM_SEED} || int(time()) % 1_000_000;
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# Nothing of core's that grows a session by itself: compiled expressions and plans of large joins.
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nwork_mem = 4MB\nshared_buffers = 64MB\nlog_statement = none\nlog_min_messages = warning\n"
	. "log_min_error_statement = error\nrestart_after_crash = off\nmax_parallel_workers_per_gather = 0\n");
$node->start;
# A role that may not do what ends a server by itself.  Operators have no schema in what it asks.
$node->safe_psql('postgres', q{CREATE ROLE smith LOGIN; CREATE DATABASE smithy OWNER smith});
$node->safe_psql('smithy', 'CREATE EXTENSION agentmem; GRANT ALL ON SCHEMA public TO smith; SET ROLE smith; ' . setup_sql());
$node->safe_psql('postgres', q{ALTER ROLE smith SET statement_timeout = '500ms'; ALTER ROLE smith SET lock_timeout = '200ms';
	ALTER ROLE smith SET search_path = public, agentmem});

# What its backends (one reads catalogs, one asks) have for themselves, in MB; 0 if there is none.
sub private_memory
{
	my $kb = 0;
	for my $pid (split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE usename = 'smith'}))
	{
		open(my $file, '<', "/proc/$pid/status") or next;
		$kb += $1 if do { local $/; <$file> } =~ /^RssAnon:\s+(\d+)/m;
	}
	return $kb / 1024;
}

my ($said, $sessions, @memory) = ('', 0);
my $end = time() + $seconds;
my ($asked, $failed) = (0, 0);
# It ends by itself where it has said enough; the next goes on from other seeds.
while (time() < $end)
{
	my $connection = $node->connstr('smithy') . ' user=smith';
	my $smith = IPC::Run::start([ 'sqlsmith', "--target=$connection", '--seed=' . ($seed + $sessions++), '--exclude-catalog', '--max-queries=20000', '--verbose' ],
		'>&', $node->basedir . "/sqlsmith_$sessions.log");
	my @here;
	while ($smith->pumpable)
	{
		sleep(1);
		push @here, private_memory();
		$smith->kill_kill, last if time() >= $end;
		last unless kill(0, map { $_->{PID} } @{ $smith->{KIDS} });
	}
	eval { $smith->finish };
	push @memory, \@here;
	last unless IPC::Run::run([ 'pg_isready', '-q', '-h', $node->host, '-p', $node->port ]);
}

my $log = slurp_file($node->logfile);
my @bad = $log =~ /^(.*(?:terminated by signal|TRAP:|PANIC:|server process .* was terminated|cache lookup failed|unrecognized node type|could not open relation with OID|XX000).*)$/mg;
my @agentmem = grep { /agentmem|ivfbq/ } @bad;
is($node->safe_psql('smithy', 'SELECT 1'), '1', 'the server is there');
unlike($log, qr/terminated by signal|TRAP:|PANIC:/, 'nothing crashed, and no assertion failed') or diag("seed $seed\n" . join("\n", @bad[ 0 .. ($#bad < 10 ? $#bad : 10) ]));
is(join("\n", @agentmem), '', 'no error that should never be seen');
# The longest session, its last quarter beside its second.
my ($longest) = sort { @$b <=> @$a } @memory;
SKIP:
{
	skip 'too short to tell', 1 if @$longest < 60;
	my @sorted = map { my @part = sort { $a <=> $b } @$longest[ $_ * $#$longest / 4 .. ($_ + 1) * $#$longest / 4 ]; $part[ @part / 2 ] } 1, 3;
	note(sprintf('private memory, median of the second and the last quarter of %d s: %.1f and %.1f MB', scalar(@$longest), @sorted));
	cmp_ok($sorted[1] - $sorted[0], '<', 32, 'the session does not grow');
}
$node->safe_psql('smithy', q{SELECT agentmem.index_check(indexrelid::regclass) FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relam = (SELECT oid FROM pg_am WHERE amname = 'ivfbq')});
ok(1, 'the indexes are sound');
my @errors = $log =~ /ERROR:  (.*)/g;
note(scalar(@errors) . ' errors in ' . $sessions . ' sessions');

$node->stop;
done_testing();
