# shellcheck shell=bash
# shellcheck disable=SC2034
# setup.sh: what ./check, ./demo and test/bench/run share: packages, an ordinary user, copies
# of PostgreSQL and of the sources to build in, the build, and a private server.  Sourced,
# not run.
#
# Root installs packages and does nothing else: it runs no file and writes no file in a
# directory that the ordinary user could have prepared.  The extension is installed into
# a copy of the packaged PostgreSQL (programs find their files relative to themselves), so
# that nothing of ours is left in the machine's own, and two runs do not meet.
#
# Sets     RUN_AS    the user that builds and runs servers when we are root, else empty
#          PG_CONFIG and BINDIR, the copy of PostgreSQL that is used: for as_user alone,
#          whose PATH has it; CLIENTS, where the packaged psql and its like are
#          AGENTMEM_CLIENTS, where install_clients puts client libraries
#          WORK      our directory, without spaces in its name; WORK/src is the copy
# Expects  ROOT      the checkout

RUN_AS=
WORK=
SERVER=
USER_PATH=$PATH
umask 022
# PostgreSQL's Perl modules take LC_ALL away: servers of tests have the encoding of LANG.
export LC_ALL=C.UTF-8 LANG=C.UTF-8
# Nothing of the caller's own servers may reach ours.
for variable in "${!PG@}"; do
	[ "$variable" = PG_CONFIG ] || unset "$variable"
done

say() { printf '==> %s\n' "$*"; }
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Runs a command, and shows what it said only if it fails.
quiet() {
	local out status=0
	out=$(mktemp)
	"$@" >"$out" 2>&1 </dev/null || status=$?
	[ "$status" -eq 0 ] || tail -n 60 "$out" >&2
	rm -f "$out"
	return "$status"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# As the ordinary user; 9 is the lock of lock_work, which a server must not keep.
as_user() {
	if [ -n "$RUN_AS" ]; then
		# runuser sets HOME to what passwd says, which may be nowhere.
		runuser -u "$RUN_AS" -- env PATH="$USER_PATH" HOME="$HOME" "$@" 9>&-
	else
		env PATH="$USER_PATH" "$@" 9>&-
	fi
}

# ---------------------------------------------------------------- packages

# Version numbers of the packaged servers, newest first.
server_versions() {
	local directory
	for directory in /usr/lib/postgresql/*/; do
		if [ -x "${directory}bin/postgres" ]; then basename "$directory"; fi
	done | sort -rV
}

# can_build PG_CONFIG: whether PGXS and the server's headers are there.  Both are looked for:
# Debian's packages of the programs bring the former without the latter.
can_build() {
	[ -f "$("$1" --pgxs)" ] && [ -f "$("$1" --includedir-server)/postgres.h" ]
}

# $PG_CONFIG, else that of the newest packaged server that can be built for.
find_postgres() {
	local version
	if [ -z "${PG_CONFIG:-}" ]; then
		for version in $(server_versions); do
			PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
			if can_build "$PG_CONFIG"; then break; fi
			PG_CONFIG=
		done
	fi
	[ -n "${PG_CONFIG:-}" ] || return 1
	BINDIR=$("$PG_CONFIG" --bindir) || die "PG_CONFIG=$PG_CONFIG does not run"
	can_build "$PG_CONFIG" || die "$PG_CONFIG: no PGXS or no postgres.h, install the server's development files"
	export PG_CONFIG BINDIR
}

apt_install() { quiet as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; }

# A server package makes and starts a cluster when it is installed; not on our account.
# The setting is put back as it was, whatever happens.
apt_install_server() (
	conf=/etc/postgresql-common/createcluster.conf
	apt_install postgresql-common
	as_root cp -a "$conf" "$conf.agentmem"
	trap 'as_root mv "$conf.agentmem" "$conf"' EXIT
	printf 'create_main_cluster = false\n' | as_root tee -a "$conf" >/dev/null
	apt_install "$@"
)

# Installs what is missing of what every build needs, and of the packages named.
install_missing() {
	local packages=("$@") server=() version
	command -v gcc >/dev/null || packages+=(gcc libc6-dev)
	command -v make >/dev/null || packages+=(make)
	command -v prove >/dev/null || packages+=(perl)
	[ -e /usr/include/unicode/utypes.h ] || packages+=(libicu-dev)
	find_postgres || server=(postgresql)

	set -- "${packages[@]}" "${server[@]}"
	if [ $# -gt 0 ]; then
		command -v apt-get >/dev/null || die "please install: $*"
		say "installing $*"
		quiet as_root apt-get update || say "apt-get update failed, going on with the lists of last time"
		[ ${#packages[@]} -eq 0 ] || apt_install "${packages[@]}"
	fi
	if [ ${#server[@]} -gt 0 ]; then
		# A server without headers: those; else what the distribution calls its own.
		version=$(server_versions | sed -n 1p)
		[ -n "$version" ] || version=$(apt-cache depends postgresql |
			sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p')
		[ -n "$version" ] || die "no PostgreSQL among the packages of this system"
		apt_install_server "postgresql-$version" "postgresql-server-dev-$version"
		find_postgres || die "PostgreSQL $version was installed and cannot be found"
	fi
}

# PostgreSQL refuses to run as root.
choose_user() {
	local user
	RUN_AS=
	[ "$(id -u)" -eq 0 ] || return 0
	for user in postgres nobody; do
		if id "$user" >/dev/null 2>&1; then
			RUN_AS=$user
			return
		fi
	done
	die "there is no user postgres or nobody to run a server as"
}

# ---------------------------------------------------------------- sources and build

# One directory a command, user and checkout, kept from run to run; two runs at once are
# refused.
open_work() {
	local tmp=${TMPDIR:-/tmp} owner=${RUN_AS:-$(id -un)}
	cd /
	case $tmp in *[!A-Za-z0-9/._-]*) tmp=/tmp ;; esac
	if [ ${#tmp} -gt 40 ] || ! as_user test -w "$tmp"; then
		tmp=/tmp
	fi
	WORK=$tmp/agentmem-$1-$(id -u)-$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
	as_user mkdir -p "$WORK"
	if [ -L "$WORK" ] || [ "$(stat -c %U "$WORK")" != "$owner" ]; then
		die "$WORK is not $owner's; remove it"
	fi
	cd "$WORK" || exit
	export WORK HOME=$WORK
	exec 9<"$WORK"
	flock -n 9 || die "another ${0##*/} of this checkout is running"
	private_postgres
}

# NUL-terminated names of the checkout's own files.
list_sources() {
	local name
	if [ -e .git ] && git -c safe.directory="$PWD" ls-files >/dev/null 2>&1; then
		git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard
	else
		find . -name .git -prune -o -type f ! -name '*.o' ! -name '*.so' ! -name '*.d' -printf '%P\0'
	fi | while IFS= read -r -d '' name; do
		if [ -f "$name" ]; then printf '%s\0' "$name"; fi
	done
}

# Brings WORK/$1 up to date.  A file is touched only if it differs, and gets the time of its
# arrival: an edit made while the last build ran is newer than that build's objects.
copy_sources() {
	# shellcheck disable=SC2016
	(cd "$ROOT" && list_sources | tar --null -T - -cf -) | as_user bash -euo pipefail -c '
		cd "$1"
		rm -rf incoming
		mkdir -p incoming "$2"
		tar -C incoming -xmf -
		(cd incoming && find . -type f -printf "%P\0" | sort -z) >"$2.files.new"
		while IFS= read -r -d "" file; do
			cmp -s "incoming/$file" "$2/$file" && continue
			mkdir -p "$(dirname "$2/$file")"
			cp --preserve=mode "incoming/$file" "$2/$file"
		done <"$2.files.new"
		if [ -f "$2.files" ]; then
			comm -z -23 "$2.files" "$2.files.new" | (cd "$2" && xargs -0 rm -f --)
		fi
		mv "$2.files.new" "$2.files"
		rm -rf incoming' bash "$WORK" "$1"
}

# run_make DIRECTORY ARGUMENT...: make as the ordinary user; other arguments, Makefile or
# server than last time start afresh.
run_make() {
	local directory=$1 flags
	shift
	flags="$(as_user "$PG_CONFIG" --version) $PG_CONFIG $* $(cksum <"$directory/Makefile")"
	if [ "$flags" != "$(cat "$directory/.flags" 2>/dev/null)" ]; then
		quiet as_user make -C "$directory" clean "$@"
		printf '%s\n' "$flags" | as_user tee "$directory/.flags" >/dev/null
	fi
	quiet as_user make -s -C "$directory" -j"$(nproc)" "$@"
}

# private_postgres: WORK/pg is a copy of the server's programs and libraries, made anew when
# the package changes, whole or not at all; its headers are the machine's.  PG_CONFIG and
# BINDIR become the copy's.  With AGENTMEM_SERVER the copy's server is run by that command,
# whoever starts it.
private_postgres() {
	local stamp directory kind
	stamp="$PG_CONFIG $("$PG_CONFIG" --version) $(stat -c %Y "$BINDIR/postgres") ${AGENTMEM_SERVER:-}"
	if [ "$stamp" != "$(as_user cat "$WORK/pg.stamp" 2>/dev/null)" ]; then
		as_user rm -rf "$WORK/pg" "$WORK/pg.new" "$WORK/pg.stamp"
		for kind in bindir pkglibdir sharedir; do
			directory=$("$PG_CONFIG" "--$kind")
			as_user mkdir -p "$WORK/pg.new${directory%/*}"
			as_user test -e "$WORK/pg.new$directory" || as_user cp -a "$directory" "$WORK/pg.new$directory"
		done
		for kind in includedir pkgincludedir includedir-server; do
			directory=$("$PG_CONFIG" "--$kind")
			as_user test -e "$WORK/pg.new$directory" && continue
			as_user mkdir -p "$WORK/pg.new${directory%/*}"
			as_user ln -s "$directory" "$WORK/pg.new$directory"
		done
		if [ -n "${AGENTMEM_SERVER:-}" ]; then
			as_user mv "$WORK/pg.new$BINDIR/postgres" "$WORK/pg.new$BINDIR/postgres.server"
			# shellcheck disable=SC2016
			printf '#!/bin/sh\nexec %s "$0.server" "$@"\n' "$AGENTMEM_SERVER" |
				as_user tee "$WORK/pg.new$BINDIR/postgres" >/dev/null
			as_user chmod 755 "$WORK/pg.new$BINDIR/postgres"
		fi
		as_user mv "$WORK/pg.new" "$WORK/pg"
		printf '%s\n' "$stamp" | as_user tee "$WORK/pg.stamp" >/dev/null
	fi
	CLIENTS=$BINDIR
	BINDIR=$WORK/pg$BINDIR
	PG_CONFIG=$BINDIR/pg_config
	USER_PATH=$BINDIR:$PATH
	export PG_CONFIG BINDIR CLIENTS
}

install_extension() { quiet as_user make -C "$WORK/src" install "$@"; }

# ---------------------------------------------------------------- client libraries

# install_clients: the libraries that test/clients names, into AGENTMEM_CLIENTS.  What cannot be
# had here is left out, saying so, and its test is skipped: a machine need not have a network.
# What one program needs and others do not is apart, so that it is missing alone.
install_clients() {
	install_python python requirements.txt
	install_python mcp mcp.txt
	install_python langgraph langgraph.txt
	if ! as_user sh -c 'command -v node && command -v npm' >/dev/null; then
		say "no node or npm: node's client libraries are not tested"
	elif ! install_libraries node package.json '
		mkdir node
		cp "$1" node
		npm install --prefix node --prefer-offline --no-audit --no-fund --fetch-retries 1 --fetch-timeout 20000'; then
		say "npm could not install test/clients/package.json: node's client libraries are not tested"
	fi
}

# install_python FOLDER LIST: a Python of its own with what the list of test/clients names.
install_python() {
	if ! as_user python3 -c 'import ensurepip, venv' 2>/dev/null && command -v apt-get >/dev/null; then
		say "installing python3-venv"
		(apt_install python3-venv) 2>/dev/null || true
	fi
	# shellcheck disable=SC2016
	if ! as_user python3 -c 'import ensurepip, venv' 2>/dev/null; then
		say "no python3 with venv: what needs test/clients/$2 is not tested"
	elif ! install_libraries "$1" "$2" '
		python3 -m venv "$2"
		"$2/bin/pip" install -q --disable-pip-version-check --retries 1 --timeout 20 -r "$1"'; then
		say "pip could not install test/clients/$2: what needs it is not tested"
	fi
}

# install_package SUFFIX EXTENSION: an extension from Debian's package of it, unpacked into the copy of the
# server.  A server that has none of its own goes without, and its test is skipped; a package that is there
# and cannot be had is an error.
install_package() {
	local package
	package=postgresql-$(as_user "$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')-$1
	! as_user test -e "$(as_user "$PG_CONFIG" --sharedir)/extension/$2.control" || return 0
	if ! command -v apt-get >/dev/null || ! apt-cache show "$package" >/dev/null 2>&1; then
		say "there is no package $package: $2 is not tested"
		return
	fi
	say "fetching $package"
	# shellcheck disable=SC2016
	quiet as_user bash -euc '
		rm -rf "$WORK/package"
		mkdir "$WORK/package"
		cd "$WORK/package"
		apt-get download "$1"
		dpkg -x ./*.deb "$WORK/pg"' bash "$package" || die "$package could not be fetched"
}

# install_libraries FOLDER LIST SCRIPT: makes AGENTMEM_CLIENTS/FOLDER anew if the list of
# test/clients has changed; all of it or nothing.
install_libraries() {
	export AGENTMEM_CLIENTS=$WORK/clients
	# shellcheck disable=SC2016
	as_user bash -euc '
		mkdir -p "$AGENTMEM_CLIENTS"
		cd "$AGENTMEM_CLIENTS"
		list=$WORK/src/test/clients/$2
		! cmp -s "$list" "$1.list" || exit 0
		rm -rf "$1" "$1.list"
		if ! timeout 600 bash -euc "$3" bash "$list" "$1" >"$1.log" 2>&1 </dev/null; then
			tail -n 3 "$1.log" >&2
			rm -rf "$1"
			exit 1
		fi
		cp "$list" "$1.list"' bash "$@"
}

# ---------------------------------------------------------------- a private server

# start_server PORT SETTING...: a new cluster in WORK/server, reached by its socket only.
start_server() {
	local port=$1 setting
	shift
	# What a run that was killed may have left; we hold the lock.
	if server_runs; then SERVER=1 stop_server; fi
	as_user rm -rf "$WORK/server"
	as_user mkdir -m 700 "$WORK/server"
	quiet as_user "$BINDIR/initdb" -D "$WORK/server/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8
	for setting in "listen_addresses = ''" "unix_socket_directories = '$WORK/server'" "port = $port" \
		"fsync = off" "$@"; do
		printf '%s\n' "$setting"
	done | as_user tee -a "$WORK/server/data/postgresql.conf" >/dev/null
	SERVER=1
	quiet as_user "$BINDIR/pg_ctl" -D "$WORK/server/data" -l "$WORK/server/log" -w start ||
		die "the server did not start, see $WORK/server/log"
	export PGHOST=$WORK/server PGPORT=$port PGUSER=postgres
}

server_runs() { as_user "$BINDIR/pg_ctl" -D "$WORK/server/data" status >/dev/null 2>&1; }

# Only what this process started: a run that was refused must not stop the one it met.
stop_server() {
	[ -n "$SERVER" ] || return 0
	as_user "$BINDIR/pg_ctl" -D "$WORK/server/data" -m immediate -w stop >/dev/null 2>&1 || true
	SERVER=
}
