# Every SQL function of the schema, called with arguments at random for 20 seconds (with --full for 20 minutes): the
# server stays up, no error is one that should never be seen, the indexes stay sound, and a session does not grow.
# AGENTMEM_SEED=N repeats a run, which is always the same but with --full; AGENTMEM_FUZZ is the number of seconds.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Fuzz qw(functions call setup_sql);
use IPC::Run;
use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $seconds = $ENV{AGENTMEM_FUZZ} || ($ENV{AGENTMEM_FULL} ? 1200 : 20);
my $seed = $ENV{AGENTMEM_SEED} || ($ENV{AGENTMEM_FULL} ? int(time()) % 1_000_000 : 1);
srand($seed);
note("seed $seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nwork_mem = 8MB\nmaintenance_work_mem = 32MB\nrestart_after_crash = on\njit = off\nshared_buffers = 64MB");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem;');
my @functions = functions($node);
cmp_ok(scalar @functions, '>', 150, 'there are functions to call');

# Runs statements in a session, [statement, whether it is to be undone]; returns [SQLSTATE, message] of each that was
# reached, and what was said beside.  What a session that ended did last is the one after the last result.
sub run
{
	my (@statements) = @_;
	my $file = $node->basedir . '/fuzz.sql';
	open(my $out, '>:encoding(UTF-8)', $file) or die $!;
	print $out "\\o /dev/null\n\\set ECHO none\nSET client_min_messages = warning; SET statement_timeout = '1s'; SET idle_in_transaction_session_timeout = '60s';\n";
	for my $statement (@statements)
	{
		my ($sql, $undone) = @$statement;
		print $out "BEGIN;\n" if $undone;
		print $out "$sql;\n\\if :ERROR\n\\echo '\@' :SQLSTATE :LAST_ERROR_MESSAGE\n\\else\n\\echo '\@' 00000\n\\endif\n";
		print $out "ROLLBACK;\n" if $undone;
	}
	close($out);
	my ($stdout, $stderr) = ('', '');
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$stdout, '2>', \$stderr);
	my @results;
	push @results, [ $1, $2 ] while $stdout =~ /^\@ (\w{5}) ?(.*(?:\n(?!\@ ).*)*)/mg;
	return (\@results, $stderr);
}

my (%calls, %good, %bad, %example);
my $called = 0;
# Each once, and then any.
my @waiting = shuffle(@functions);

sub report
{
	my ($what, $function, $statement) = @_;
	my $key = "$function: $what";
	return if $bad{$key}++;
	diag("seed $seed: $key\n  " . substr($statement, 0, 2000));
	return;
}

my $end = time() + $seconds;
while (time() < $end)
{
	$node->psql('postgres', setup_sql());
	my (@chosen, @statements);
	for (1 .. 200)
	{
		my $function = shift(@waiting) // $functions[ rand @functions ];
		my $statement = call($function);
		# What takes the store away, or hides it, is undone; of the rest some.
		my $undone = $function->{kind} ne 'p' && ($function->{name} =~ /^(drop_|create_|disable_|enable_|erase$|add_|alter_|retire_)/ ? rand() < 0.97 : rand() < 0.3);
		push @chosen, $function->{name};
		push @statements, [ $statement, $undone ];
	}
	my ($results, $said) = run(@statements);
	$called += @$results;
	for my $i (0 .. $#$results)
	{
		my ($state, $message) = @{ $results->[$i] };
		$calls{ $chosen[$i] }++;
		$example{ $chosen[$i] } = $statements[$i][0] if $state eq '00000' && !$good{ $chosen[$i] }++;
		report("$state $message", $chosen[$i], $statements[$i][0]) if $state =~ /^(XX|F0|P0000)/ || $message =~ /could not|cache lookup|unexpected|unrecognized node/;
	}
	report('the session ended: ' . substr($said, -300), $chosen[@$results], $statements[@$results][0]) if @$results < @statements;
	report("said: $1", 'some function', "seed $seed") if $said =~ /(WARNING:.*leak.*)/;
	# A crash restarts the server.
	$node->poll_query_until('postgres', 'SELECT true') if @$results < @statements;
}
is(join("\n", sort keys %bad), '', 'no crash, and no error that should never be seen') or note("seed $seed");
cmp_ok($called, '>', 10 * $seconds, "$called calls");
my @never = grep { !$calls{$_} } map { $_->{name} } @functions;
is(join(' ', @never), '', 'each function was called') unless @waiting;
my @ungood = grep { !$good{$_} } map { $_->{name} } @functions;
note(scalar(@ungood) . ' functions never succeeded: ' . join(' ', @ungood));
cmp_ok(scalar @ungood, '<', $seconds < 60 ? @functions / 3 : 25, 'most functions were called so that they succeed');

# A session that calls the same over and over holds no more memory than before.  Caches fill in the first round, and may
# grow by a table that doubles in one of the others: not in both.
# Definitions are left out: dropping a column that has an index leaves 144 bytes in PostgreSQL's cache of catalogs, any table's.
my $rounds = $ENV{AGENTMEM_FULL} ? 50 : 10;
my @names = grep { !/^(drop_|create_|add_|change_|switch_space|maintain_all)/ } sort keys %example;
my $file = $node->basedir . '/grow.sql';
open(my $out, '>:encoding(UTF-8)', $file) or die $!;
print $out "\\o /dev/null\nSET client_min_messages = error; SET statement_timeout = '1s';\n";
for my $name (@names)
{
	print $out map { "$example{$name};\n" x $rounds . "SELECT sum(used_bytes) AS bytes FROM pg_backend_memory_contexts \\gset\n\\echo $name :bytes\n" } 1 .. 3;
}
close($out);
my ($stdout, $stderr) = ('', '');
IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$stdout, '2>', \$stderr);
my %bytes;
push @{ $bytes{$1} }, $2 while $stdout =~ /^(\w+) (\d+)$/mg;
is(scalar(keys %bytes), scalar(@names), 'each function was called again');
my @growing = map { "$_: @{ $bytes{$_} }: " . substr($example{$_}, 0, 500) }
  grep { $bytes{$_}[1] - $bytes{$_}[0] > 50 * $rounds && $bytes{$_}[2] - $bytes{$_}[1] > 50 * $rounds } sort keys %bytes;
is(join("\n", @growing), '', 'no session grows');

# What is left is sound, and the log knows of nothing worse.
for my $index (split /\n/, $node->safe_psql('postgres', q{SELECT c.oid::regclass FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ivfbq' AND c.relkind = 'i'}))
{
	is($node->psql('postgres', "SELECT agentmem.index_check('$index', true)"), 0, "$index is sound");
}
my $log = slurp_file($node->logfile);
my @worse = $log =~ /^(.*(?:PANIC:|TRAP:|terminated by signal|leak|was terminated).*)$/mg;
is(join("\n", @worse), '', 'nor does the log know of worse');

$node->stop;
done_testing();
