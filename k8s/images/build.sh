#!/usr/bin/env bash
# Builds the images with buildah, podman or docker. Needs a JDK 25 (./spandrel jdk) for the jars, and either the two base images of
# the Containerfiles or, with --local-base, a Debian machine with mmdebstrap: then base and JDK image are made here, from Debian's
# own packages and the JDK that ./spandrel found.
#
#   k8s/images/build.sh [--local-base] [--tag 0.1.0] [--sizes FILE] [sidecar server-cpu server-cuda]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
tag=0.1.0 local_base='' sizes='' images=()
usage() { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
  case $1 in
    --local-base) local_base=1 ;;
    --tag) tag=$2; shift ;;
    --sizes) sizes=$2; shift ;;
    -h | --help) usage; exit ;;
    sidecar | server-cpu | server-cuda) images+=("$1") ;;
    *) echo "build.sh: expected --local-base, --tag, --sizes, sidecar, server-cpu or server-cuda, found $1" >&2; exit 2 ;;
  esac
  shift
done
[ ${#images[@]} -gt 0 ] || images=(sidecar server-cpu)

tool=''
for candidate in ${CONTAINER_TOOL:-buildah podman docker}; do
  if command -v "$candidate" >/dev/null; then tool=$candidate; break; fi
done
[ -n "$tool" ] || { echo "build.sh: none of buildah, podman, docker found" >&2; exit 1; }

cd "$root"
jdk=$(./spandrel jdk)
./spandrel build
for module in sidecar server; do
  if [ ! -f $module/target/bom.json ] || [ $module/pom.xml -nt $module/target/bom.json ] || [ pom.xml -nt $module/target/bom.json ]; then
    echo "Listing the libraries of $module and their licences …"
    ./mvnw -q -Dmaven.test.skip=true -Dspotless.check.skip=true -Psbom -pl $module -am package
  fi
done

arguments=()
if [ -n "$local_base" ]; then
  [ "$tool" = buildah ] || { echo "build.sh: --local-base needs buildah" >&2; exit 1; }
  command -v mmdebstrap >/dev/null || { echo "build.sh: --local-base needs mmdebstrap (apt-get install mmdebstrap)" >&2; exit 1; }
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  . /etc/os-release
  # Unpacked, not installed: a C library, its time zones and the names of protocols; no shell, no package manager.
  mmdebstrap --quiet --variant=extract --mode=root --include=base-files,libc6,netbase,tzdata "$VERSION_CODENAME" "$work/base.tar" \
    $(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null)
  base=$(buildah from scratch)
  buildah add --quiet "$base" "$work/base.tar" / >/dev/null
  buildah commit --quiet "$base" spandrel-base:local >/dev/null
  # Debian's JDK keeps its certificates elsewhere, behind a link.
  cp -rL "$jdk" "$work/jdk"
  buildah copy --quiet "$base" "$work/jdk" /opt/jdk >/dev/null
  buildah config --env PATH=/opt/jdk/bin:/usr/bin:/bin "$base"
  buildah commit --quiet --rm "$base" spandrel-jdk:local >/dev/null
  arguments+=(--build-arg BASE=localhost/spandrel-base:local --build-arg JDK=localhost/spandrel-jdk:local)
fi

build=build
[ "$tool" != buildah ] || build=bud
for image in "${images[@]}"; do
  echo "Building spandrel/$image:$tag with $tool …"
  "$tool" $build "${arguments[@]+"${arguments[@]}"}" -f "$here/Containerfile.$image" -t "spandrel/$image:$tag" "$root"
done

if [ -n "$sizes" ]; then
  # What a registry stores and a node pulls: the compressed layers.
  for image in "${images[@]}"; do
    folder=$(mktemp -d)
    buildah push --quiet --compression-format gzip "spandrel/$image:$tag" "oci:$folder"
    printf '%s %d\n' "$image" "$(du -cb "$folder"/blobs/sha256/* | tail -n 1 | cut -f 1)" | tee -a "$sizes"
    rm -rf "$folder"
  done
fi
