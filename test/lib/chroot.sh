# shellcheck shell=bash
# shellcheck disable=SC2034
# chroot.sh: bare Debian machines to test on, which root makes by debootstrap.  Sourced, after
# setup.sh.
#
# A release is had from the network once and never changed; a machine is a layer of its own above
# it.  What a command sees is mounted in a namespace of its own, and its processes are in one:
# when it ends nothing of it is left but files below CHROOTS.
#
# Expects  ROOT      the checkout
#          AGENTMEM_CHROOTS  the folder whose agentmem-chroots keeps releases and machines from run
#                    to run, else one for temporary files that outlast a restart
# Sets     CHROOTS; MACHINE, the one chosen, of the release RELEASE; KEPT, whether it outlasts the run

CHROOTS=${AGENTMEM_CHROOTS:-/var/tmp}/agentmem-chroots
MACHINE=

# Whether machines can be had here; else why not.
chroots_possible() {
	local program
	[ "$(id -u)" -eq 0 ] || { echo "only root makes a chroot" && return 1; }
	for program in debootstrap unshare; do
		command -v "$program" >/dev/null || { echo "$program is not installed" && return 1; }
	done
	grep -qw overlay /proc/filesystems || { echo "this kernel has no overlayfs" && return 1; }
}

# Root's own folder: others could put links into one of theirs.
own_folder() {
	mkdir -p -m 755 "$1"
	[ ! -L "$1" ] && [ "$(stat -c %u "$1")" -eq 0 ] || die "$1 is not root's; remove it"
}

# debian_release NAME: $CHROOTS/NAME.base, made if it is not there: whole or not at all.  experimental, which is
# no release, is sid with what experimental has of PostgreSQL.
debian_release() {
	local base=$CHROOTS/$1.base suite=$1
	own_folder "$CHROOTS"
	if [ ! -d "$base" ]; then
		say "debootstrap of $1"
		rm -rf "$base.new"
		[ "$1" != experimental ] || suite=sid
		quiet debootstrap --variant=minbase "$suite" "$base.new" || die "debootstrap of $suite failed"
		if [ "$1" = experimental ]; then
			sed 's/ sid / experimental /' "$base.new/etc/apt/sources.list" >"$base.new/etc/apt/sources.list.d/experimental.list"
			printf '%s\n' 'Package: postgresql* libpq*' 'Pin: release a=experimental' 'Pin-Priority: 990' \
				>"$base.new/etc/apt/preferences.d/experimental"
		fi
		rm -f "$base.new"/var/cache/apt/archives/*.deb
		mv "$base.new" "$base"
	fi
}

# open_machine RELEASE [NAME]: chooses the machine NAME, a layer above RELEASE, as earlier runs have
# left it; without a name a new one.  close_machine leaves it, and takes the latter away.
open_machine() {
	debian_release "$1"
	RELEASE=$1
	KEPT=${2:-}
	MACHINE=$CHROOTS/${2:-$1.$$}
	own_folder "$MACHINE"
	mkdir -p "$MACHINE/upper" "$MACHINE/work" "$MACHINE/root"
	exec 7<"$MACHINE"
	flock -n 7 || die "$MACHINE is in use"
	[ -f "$MACHINE/ready" ] || inside sh -euc '
		# A mirror may have stopped some weeks ago.  A package that is installed starts no server: the one who types says when.
		printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
		mkdir -p /etc/apt/apt.conf.d /etc/dpkg/dpkg.cfg.d
		echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/machine
		printf "%s;\n" "Acquire::Retries 3" "Acquire::Check-Valid-Until false" "Binary::apt-get::APT::Keep-Downloaded-Packages false" >/etc/apt/apt.conf.d/80machine
		apt-get update -q' >"$MACHINE/log" 2>&1 || die "apt-get update failed, see $MACHINE/log"
	touch "$MACHINE/ready"
}

close_machine() {
	stop_machine
	[ -z "$MACHINE" ] || [ -n "$KEPT" ] || rm -rf --one-file-system "$MACHINE"
	MACHINE=
}

# Ends what runs inside: for the traps of a script, because unshare heeds no signal but this.
stop_machine() {
	[ -z "$MACHINE" ] || [ ! -s "$MACHINE/pid" ] || kill -KILL "$(cat "$MACHINE/pid")" 2>/dev/null || true
}
trap 'exit 130' INT
trap 'exit 143' TERM

# inside COMMAND...: as root on the machine.  /data is the folder of the data sets.
inside() {
	local status=0
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child bash -euc '
		machine=$1 base=$2 data=$3
		shift 3
		root=$machine/root
		mount -t overlay overlay -o "lowerdir=$base,upperdir=$machine/upper,workdir=$machine/work" "$root"
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
		if [ -d "$data" ]; then
			mkdir -p "$root/data"
			mount --bind -o ro "$data" "$root/data"
		fi
		cp /etc/resolv.conf "$root/etc/resolv.conf"
		# Whom this machine trusts, that one does.
		ca=/etc/ssl/certs/ca-certificates.crt
		if [ -f "$ca" ]; then cp "$ca" "$root/etc/ca.crt"; else ca=; fi
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive TERM=dumb AGENTMEM_DATA=/data \
			${ca:+PIP_CERT=/etc/ca.crt NODE_EXTRA_CA_CERTS=/etc/ca.crt} "$@"' \
		bash "$MACHINE" "$CHROOTS/$RELEASE.base" "${AGENTMEM_DATA:-}" "$@" 7<&- <&0 &
	echo "$!" >"$MACHINE/pid"
	wait "$!" || status=$?
	: >"$MACHINE/pid"
	return "$status"
}

# Packages, with what they recommend left out.
machine_install() {
	quiet inside apt-get install -y -q --no-install-recommends "$@"
}

# The checkout's own files, as the machine's folder $1, made anew.
machine_checkout() {
	# shellcheck disable=SC2016
	(cd "$ROOT" && list_sources | tar --null --no-recursion --owner=0 --group=0 -T - -cf -) |
		inside sh -euc 'rm -rf "$1" && mkdir -p "$1" && tar -C "$1" -xf -' sh "$1"
}
