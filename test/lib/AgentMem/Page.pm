# Pages of the documentation as tests: their SQL is run, and what follows it is compared.
package AgentMem::Page;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(blocks errors reference_pages run_parts squeezed);

# The blocks and headings of a page, in order: [language, text], ['#', heading].
sub blocks
{
	my ($page) = @_;
	my @blocks;
	push @blocks, defined $3 ? [ '#', $3 ] : [ $1, $2 ] while $page =~ /^```(\w*)\n(.*?)^```|^#+ (.*?)$/msg;
	return @blocks;
}

# Without what differs between a page and a terminal: blanks at ends, empty lines.
sub squeezed
{
	my ($text) = @_;
	return join("\n", grep { /\S/ } map { s/\s+$//r } split(/\n/, $text));
}

# The pages of the reference, in the order of its index.
sub reference_pages
{
	my %seen;
	return grep { !$seen{$_}++ } map { "docs/$_" } slurp_file('docs/reference.md') =~ m{\((reference/[\w-]+\.md)\)}g;
}

# How many errors a text shows.
sub errors
{
	my ($text) = @_;
	return scalar(() = $text =~ /^ERROR/mg);
}

# Runs the parts in one session; what each of them said, errors too.
sub run_parts
{
	my ($node, $database, $parts, @options) = @_;
	my $file = $node->basedir . "/$database.sql";
	my $said = '';

	append_to_file($file, join('', map { "\\echo part $_ of $database\n$parts->[$_]\n" } 0 .. $#$parts));
	IPC::Run::run([ 'psql', '-X', '-q', '-v', 'SHOW_CONTEXT=never', @options, '-d', $node->connstr($database), '-f', $file ], '>&', \$said);
	my (undef, @said) = split(/^part \d+ of $database\n/m, $said =~ s/^psql:\S+ //gmr);
	return @said;
}

1;
