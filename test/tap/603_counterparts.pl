# The calls of other libraries (docs/howto/coming-from-other-memories.md): each row's SQL gives what the row says; what a row calls missing is; no call
# is left out.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use AgentMem::Page qw(run_parts squeezed);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = 'docs/howto/coming-from-other-memories.md';
plan(skip_all => "$file is not here") unless -f $file;
my $page = slurp_file($file);

# Public methods of the classes, as their packages of these versions have them; those of BaseStore that begin with "a" are the same again.
my %calls = (
	# mem0ai 2.2.1: mem0.Memory
	Memory => [qw(from_config add get get_all search update delete delete_all history reset close chat)],
	# langgraph-checkpoint 4.3.2: langgraph.store.base.BaseStore
	BaseStore => [qw(batch get search put delete list_namespaces abatch aget asearch aput adelete alist_namespaces)],
	# graphiti-core 0.31.2: graphiti_core.Graphiti
	Graphiti => [
		qw(token_tracker close summarize_saga build_indices_and_constraints retrieve_episodes add_episode add_episode_bulk
		  build_communities search search_ get_nodes_and_edges_by_episode add_triplet remove_episode)
	]);

# Blocks of SQL, and rows of the tables that have a column "gives", in order.
my (@parts, @rows, %seen, $class, $in_sql);
for my $line (split(/\n/, $page))
{
	if ($line eq '```sql') { $in_sql = 1; push @parts, ''; }
	elsif ($line eq '```') { $in_sql = 0; }
	elsif ($in_sql) { $parts[-1] .= "$line\n"; }
	elsif ($line =~ /^\| `(\w+)` \| here \| gives \|$/) { $class = $1; }
	elsif ($line !~ /^\|/) { undef $class; }
	elsif (defined $class && $line !~ /^\|---/)
	{
		my ($call, $here, $gives) = $line =~ /^\| (.*?) \| (.*?) \|(?: (.*?))? \|$/ or BAIL_OUT("not a row of three: $line");
		$seen{$class}{$_} = 1 for $call =~ /(?:`|, )(?:await )?(\w+)(?=[(`])/g;
		if ($here =~ /^`(SELECT .*)`$/)
		{
			push @parts, "$1;";
			push @rows, [ $#parts, $call, join("\n", ($gives // '') =~ /`(.*?)`/g), $gives // '' ];
		}
		elsif ($here =~ /^\*None\*/)
		{
			is($gives // '', '', "$call: nothing is shown");
			push @rows, [ undef, $call, $1 ] while $here =~ /^\*None\* yet.*?\(`(\w+)`\)/g;
		}
		else { fail("neither SQL nor none: $line"); }
	}
}
for my $library (sort keys %calls)
{
	is(join(' ', grep { !$seen{$library}{$_} } @{ $calls{$library} }), '', "$library: every call has a row");
}

$ENV{PGTZ} = 'UTC';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my @said = run_parts($node, 'postgres', \@parts, '-At', '-F', ', ');
for my $row (@rows)
{
	my ($part, $call, $gives, $cell) = @$row;
	if (defined $part)
	{
		is($said[$part] =~ s/\n\z//r, $gives, $call);
		like($cell, $gives eq '' ? qr/^nothing$/ : qr/^`.*`$/, "$call: says so");
	}
	else
	{
		is($node->safe_psql('postgres', "SELECT count(*) FROM pg_proc WHERE pronamespace = 'agentmem'::regnamespace AND proname = '$gives'"),
			'0', "$call: there is no $gives (if there is now, the page should say so)");
	}
}

$node->stop;
done_testing();
