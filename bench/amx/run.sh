#!/usr/bin/env bash
# Runs the tests of our AMX code on an emulated processor that has AMX: Bochs as a Sapphire Rapids, Debian's kernel, a JVM inside.
# Says whether results are right; how fast AMX is only a real processor can say.
#
#   bench/amx/run.sh [kernels] [contract] [families] [generation]     default: all four
#
# kernels     detection, products of 1 to 70 rows and gates against plain loops, bytes and small floats exactly
# contract    what every backend must compute of matmuls, with AMX from one row on
# families    each model family in BF16 and INT8, a prompt of 21 tokens
# generation  the whole engine over the bundled model in BF16 and INT8, with --amx and --no-amx
#
# A whole run is a quarter of an hour of one core that has nothing else to do, kernels alone some two minutes; Bochs is built once, in
# two to four minutes more.
#
# Needs Linux on x86-64, mmdebstrap, g++, make, patch, a JDK 25, 2 GB of memory and 1 GB of disk, under
# ${XDG_CACHE_HOME:-~/.cache}/spandrel/amx: Bochs built from Debian's source with bochs-3.0.patch, kernel and tools from Debian, all
# checked against Debian's signed lists by apt. AMX_TIMEOUT: seconds that the emulation may take (3600).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/spandrel/amx
bochs_version=3.0+dfsg-1
fail() { printf 'bench/amx/run.sh: %s\n' "$1" >&2; exit 1; }

parts=()
for part in "$@"; do
  case $part in
    -h | --help) sed -n '2,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
    kernels | contract | families | generation) parts+=("$part") ;;
    *) echo "run.sh: expected kernels, contract, families or generation, found $part" >&2; exit 2 ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(kernels contract families generation)
[ "$(uname -sm)" = "Linux x86_64" ] || fail "expected Linux on x86_64, found $(uname -sm)"
for tool in mmdebstrap g++ make patch xz timeout; do
  command -v "$tool" >/dev/null || fail "$tool is missing (Debian: apt-get install mmdebstrap g++ make patch xz-utils coreutils)"
done
jdk=$("$root/spandrel" jdk)
mkdir -p "$cache"
work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Unpacked, not installed; programs from there run by their own loader, with their own libraries.
debian=$cache/trixie
tool() { "$debian/usr/lib64/ld-linux-x86-64.so.2" --library-path "$debian/usr/lib/x86_64-linux-gnu" "$debian/usr/bin/$1" "${@:2}"; }
if [ ! -f "$debian/complete" ]; then
  echo "Fetching kernel, Bochs' source and tools from Debian …"
  rm -rf "$debian"
  # The variables are the hook's: apt checks all it gives against Debian's signatures.
  # shellcheck disable=SC2016
  mmdebstrap --quiet --variant=extract \
    --include=libc6,libgcc-s1,busybox-static,bochsbios,vgabios,isolinux,syslinux-common,xorriso,cpio,zstd \
    --extract-hook='set -e
cd "$1"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
sed -n "s/^deb /deb-src /p" etc/apt/sources.list >etc/apt/sources.list.d/source.list
apt-get update -qq
apt-get download -qq $(apt-cache depends linux-image-cloud-amd64 | sed -n "s/.*Depends: //p")
apt-get source -qq --print-uris bochs='$bochs_version' | grep "orig.tar.xz" | tr -d "\047" | {
  read -r uri name size hash
  /usr/lib/apt/apt-helper download-file "$uri" "$name" "$hash"
}' trixie "$debian" >"$cache/debian.log" 2>&1 || { tail -n 20 "$cache/debian.log" >&2; fail "Debian's packages could not be fetched"; }
  mkdir "$debian/kernel"
  dpkg-deb -x "$debian"/linux-image-*.deb "$debian/kernel"
  touch "$debian/complete"
fi

patch_hash=$(sha256sum "$here/bochs-3.0.patch" | cut -c -16)
bochs=$cache/bochs-$bochs_version-$patch_hash
if [ ! -x "$bochs/bochs" ]; then
  echo "Building Bochs $bochs_version with our patch (minutes) …"
  rm -rf "$bochs"
  mkdir "$bochs"
  tar -xJf "$debian"/bochs_*.orig.tar.xz -C "$bochs" --strip-components=1
  (
    cd "$bochs"
    patch -p1 <"$here/bochs-3.0.patch"
    CFLAGS=-O2 CXXFLAGS=-O3 ./configure --with-nogui --enable-x86-64 --enable-avx --enable-evex --enable-amx --enable-protection-keys \
      --enable-all-optimizations --enable-memtype --disable-plugins --disable-docbook --disable-gameport --disable-logging --disable-stats
    make -j"$(nproc)"
  ) >"$cache/bochs.log" 2>&1 || { rm -f "$bochs/bochs"; tail -n 20 "$cache/bochs.log" >&2; fail "Bochs could not be built, see $cache/bochs.log"; }
fi

echo "Packing JVM, engine, tests and the model …"
guest=$work/guest
mkdir -p "$guest"/{bin,lib64,proc,sys,dev,tmp,app,repository/models,repository/engine-ffm/src/test/resources}
"$root/bench/amx/pack.sh" "$guest" "$jdk"
cp "$debian/usr/bin/busybox" "$guest/bin/"
for name in sh mount cat grep reboot sleep echo; do ln -s busybox "$guest/bin/$name"; done
cp -L "$debian/usr/lib64/ld-linux-x86-64.so.2" "$guest/lib64/"
for library in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libgcc_s.so.1; do
  cp -L "$debian/usr/lib/x86_64-linux-gnu/$library" "$guest/lib64/"
done
install -m 755 "$here/init" "$guest/init"
printf '%s\n' "${parts[@]}" >"$guest/parts"

mkdir "$work/disk"
(cd "$guest" && find . | tool cpio -o -H newc --quiet) | tool zstd -q -3 >"$work/disk/initrd"
cp "$debian"/kernel/boot/vmlinuz-* "$work/disk/vmlinuz"
cp "$debian/usr/lib/ISOLINUX/isolinux.bin" "$debian/usr/lib/syslinux/modules/bios/ldlinux.c32" "$work/disk/"
cat >"$work/disk/isolinux.cfg" <<'END'
default spandrel
prompt 0
label spandrel
 linux /vmlinuz
 initrd /initrd
 append acpi=off quiet console=ttyS0 mitigations=off nokaslr tsc=reliable random.trust_cpu=on lpj=1000000 panic=-1 reboot=t
END
tool xorriso -as mkisofs -quiet -o "$work/disk.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
  "$work/disk" 2>/dev/null
serial=$work/serial.txt
cat >"$work/bochsrc" <<END
config_interface: textconfig
display_library: nogui
cpu: model=sapphire_rapids, count=1, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest=1536, host=1536
romimage: file=$debian/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=$debian/usr/share/vgabios/vgabios.bin
vga: extension=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$work/disk.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$serial
clock: sync=none, time0=local
log: $work/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
END

echo "Emulating a processor with AMX (a minute until Linux is up, then ${parts[*]}) …"
start=$SECONDS
touch "$serial"
tail -n +1 -f "$serial" &
follower=$!
# The guest ends by a triple fault, which is how it can end Bochs.
ended=0
timeout "${AMX_TIMEOUT:-3600}" "$bochs/bochs" -q -f "$work/bochsrc" >"$work/bochs.out" 2>&1 </dev/null || ended=$?
sleep 1
kill "$follower" 2>/dev/null || true
cp "$serial" "$cache/last.txt"
tr -d '\r' <"$serial" >"$work/said"
[ $ended != 124 ] || fail "the emulation was stopped after ${AMX_TIMEOUT:-3600} s; what the machine said until then: $cache/last.txt"
count() { sed -n "s/^\[ *\([0-9]*\) tests $1 *\]$/\1/p" "$work/said" | tail -n 1; }
grep -q '^spandrel-amx: exit 0$' "$work/said" || { tail -n 3 "$work/bochs.log" >&2; fail "the tests failed or did not end; what the machine said: $cache/last.txt"; }
[ "$(count successful)" -gt 0 ] && [ "$(count failed)$(count aborted)$(count skipped)" = 000 ] ||
  fail "a test failed or was skipped; what the machine said: $cache/last.txt"
echo "$(count successful) tests passed with AMX on an emulated processor, in $((SECONDS - start)) s: ${parts[*]}"
