# The SQL of docs/howto runs as it stands, and says what the pages say.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @pages = glob('docs/howto/*.md');
plan(skip_all => 'docs/howto is not here') unless @pages;

# Blocks of one kind, without what differs between a page and a terminal: blanks at ends, empty lines.
sub blocks
{
	my ($text, $kind) = @_;
	return join('', $text =~ /^```$kind\n(.*?)^```/msg);
}

sub squeezed
{
	my ($text) = @_;
	return join("\n", grep { /\S/ } map { s/\s+$//r } split(/\n/, $text));
}

$ENV{PGTZ} = 'UTC';
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
for my $i (0 .. $#pages)
{
	my $page = slurp_file($pages[$i]);
	my $file = $node->basedir . "/page$i.sql";

	append_to_file($file, blocks($page, 'sql'));
	$node->safe_psql('postgres', "CREATE DATABASE page$i");
	# Errors too, where a page shows one.
	my $said = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr("page$i"), '-f', $file ], '>&', \$said);
	is(squeezed($said =~ s/^psql:\S+ //gmr), squeezed(blocks($page, 'text')), "$pages[$i] runs, and says what it says");
}

$node->stop;
done_testing();
