# The regression suite once more, on stores in partitions: the answers are the same, every statement of ours that is of one namespace
# reads and writes one partition of each table, and none does what engines that spread tables over servers refuse.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'sql is not here' unless -d 'sql' && $ENV{PG_REGRESS} && -x $ENV{PG_REGRESS};

# Tests whose output tells of the tables themselves, and why.
my %told = (
	access_log => 'accesses are written at the end of a transaction to ordinary tables only (src/memory/README.md, "Access log")',
	cache => 'a plan that is shown names a partition',
	distributed_rules => 'tables are listed',
	graph_ppr => 'counts what is read by an index, which is one of the table and not of its partitions',
	maintain_budget => 'a table is altered, which its partitions are one by one; a plan names a partition',
	maintain_index => 'tables and indexes are told of by name, which those of partitions are',
	memory_bulk => 'an error names a partition',
	memory_guard => 'a key is looked for before a policy is, which says which error it is',
	memory_store => 'tables are listed',
	recall_known_at => 'as graph_ppr',
	recall_lists => 'an index is altered, which those of partitions are one by one',
	row_security => 'tables are listed, a plan is shown',
	scale_distribute => 'a store in partitions is not spread over servers',
	security_path => 'index_check and others want the index of a partition',
	space => 'as recall_lists; shows the number of partitions',
	space_errors => 'tables are counted, an error says how many views are in the way');
# Without --full these, which do not take long.
my @quick = qw(graph_edges graph_similar jobs maintain maintain_importance maintain_links maintain_purge memory_conflicts memory_export memory_forget memory_restore memory_revise recall recall_filters);

# Statements of all namespaces: of which function, or what they begin with.
my %of_all = map { $_ => 1 }
  qw(alter_kind cancel_space claim_namespace drop_store enqueue_space space_missing space_progress switch_space list_maintenance);
my @of_all = (
	qr/^WITH c AS MATERIALIZED \(SELECT j\.namespace, j\.id FROM \S+\.job j WHERE/,  # claim_jobs
	qr/^DELETE FROM \S+\.job j USING ROWS FROM/,                                     # claim_jobs, of what is dead
	qr/^SELECT s\.namespace, s\.created, s\.languages/,                              # namespaces
	qr/^SELECT n\.namespace, n\.languages, n\.memories/);                             # recall, of several namespaces

my @tests = sort map { slurp_file($_) =~ /create_store/ ? m{sql/(\w+)\.sql} : () } glob('sql/*.sql');
cmp_ok(scalar @tests, '>', 40, 'tests that make stores');
@tests = @quick unless $ENV{AGENTMEM_FULL};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '-E', 'UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', <<'CONF');
autovacuum = off
fsync = off
agentmem.default_partitions = 2
shared_preload_libraries = 'auto_explain,pg_stat_statements'
pg_stat_statements.track = all
pg_stat_statements.max = 50000
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
log_line_prefix = '%m [%p] '
log_min_messages = warning
log_statement = none
CONF
$node->start;

my $output = $node->basedir . '/regress';
mkdir $output;
my ($out, $err) = ('', '');
my @command = ($ENV{PG_REGRESS}, '--inputdir=.', "--outputdir=$output", '--bindir=', '--encoding=UTF8', '--load-extension=agentmem',
	'--host=' . $node->host, '--port=' . $node->port, '--dbname=parts');
IPC::Run::run([ @command, @tests ], '>', \$out, '2>', \$err);
my %result;
for (split /\n/, $out)
{
	$result{$1} = lc($2) eq 'ok' ? 'ok' : 'not ok' if /^test (\S+) +\.\.\. (\w+)/;
	$result{$2} = $1 if /^(ok|not ok) \d+ +[-+] (\S+)/;
}
is(join(' ', sort keys %result), join(' ', sort @tests), 'all ran') or diag($out, $err);
my $diffs = -e "$output/regression.diffs" ? slurp_file("$output/regression.diffs") : '';
is(join(' ', grep { $result{$_} ne 'ok' && !$told{$_} } sort keys %result), '', 'the answers are the same') or diag($diffs);
is(join(' ', grep { $told{$_} && $result{$_} eq 'ok' } sort keys %result), '', 'no test is excused for nothing');

$node->safe_psql('parts', q{
	SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS agentmem; CREATE EXTENSION pg_stat_statements;
	SELECT agentmem.create_store('seen'); SELECT agentmem.remember('seen', 'n' || i, 'x') FROM generate_series(1, 9) i;
	SELECT count(*) FROM seen.memory m WHERE m.id OPERATOR(pg_catalog.>) 0;
	DO $$ BEGIN UPDATE seen.key_lock k SET n = 1 WHERE random() OPERATOR(pg_catalog.<) 0; END $$});

# Every plan that was run, with the partitions that it reads or writes.
my ($plans, %wide) = (0);

sub look
{
	my ($entry) = @_;
	my ($query, $plan) = $entry =~ /duration: \S+ ms  plan:\s+Query Text: (.*?)\n\t(\S.*? \(cost=.*)/s or return;
	$plans++;
	my %partitions;
	$partitions{$1}{$2} = 1 while $plan =~ /\bon (\w+?)_p(\d+)\b/g;
	my @wide = grep { keys %{ $partitions{$_} } > 1 } sort keys %partitions;
	return unless @wide;
	# Whose it is: C's has qualified operators, that of plpgsql says its function.
	$query =~ s/\s+/ /g;
	my ($function) = $entry =~ /CONTEXT:  SQL statement "[^"].*?"\n\tPL\/pgSQL function (\S+?)\(/s;
	$function = '' unless defined $function && $entry !~ /OPERATOR\(pg_catalog/;
	return unless $query =~ /OPERATOR\(pg_catalog/ || $function =~ /^agentmem\./;
	return if $of_all{ $function =~ s/^agentmem\.//r } || grep { $query =~ $_ } @of_all;
	$wide{ "$function: " . join(' ', @wide) . ': ' . substr($query, 0, 300) } = 1;
}

my $entry = '';
open(my $log, '<', $node->logfile) or die $!;
while (my $line = <$log>)
{
	if ($line =~ /^\d{4}-\d\d-\d\d .*? \[\d+\] (\S+):  / && $1 ne 'CONTEXT')
	{
		look($entry);
		$entry = '';
	}
	$entry .= $line;
}
close $log;
look($entry);
cmp_ok($plans, '>', 10000, "$plans plans were looked at");
is(join("\n", grep { !/ seen\./ } sort keys %wide), '', 'of each table one partition');
is(scalar(grep { / seen\./ } keys %wide), 2, 'where two are read or written, that is seen');
# Distributed tables refuse what is volatile in UPDATE and DELETE, and MERGE.
my @volatile = split(/^/, $node->safe_psql('parts', q{
	SELECT DISTINCT left(regexp_replace(s.query, '\s+', ' ', 'g'), 300)
	FROM pg_stat_statements s, regexp_matches(s.query, '\m(\w+)\(', 'g') m(i)
	WHERE NOT s.toplevel AND s.query ~ 'OPERATOR\(pg_catalog|agentmem\.' AND s.query ~ '\m(UPDATE|DELETE FROM) \w+\.\w+|\mMERGE INTO'
		AND EXISTS (SELECT FROM pg_proc p WHERE p.proname = m.i[1] AND p.provolatile = 'v' AND p.pronamespace = 'pg_catalog'::regnamespace)}));
is(join('', grep { !/ seen\.key_lock/ } @volatile), '', 'nothing volatile in UPDATE and DELETE');
is(scalar(grep { / seen\.key_lock/ } @volatile), 1, 'where there is, that is seen');

$node->stop;
unlink $node->logfile if Test::More->builder->is_passing;
done_testing();
