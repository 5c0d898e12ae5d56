#!/usr/bin/env bash
# Packs what bench/gpu/run.sh needs on a machine that may have no Java: a runtime made by jlink, our classes, the test runner.
# Run it where a JDK 25 and a Maven repository are; the result, bench/gpu/carried/ (about 31 MB), goes with the checkout.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
jdk=$("$root/spandrel" jdk)
carried=$root/bench/gpu/carried
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$carried"

cd "$root"
./mvnw -q -pl jextract,engine-ffm test-compile dependency:copy-dependencies -DincludeScope=test \
  -DoutputDirectory="$work/lib/jars" -DexcludeArtifactIds=spandrel-jextract -Dspotless.check.skip=true
version=$(sed -n 's/.*<junit.version>\(.*\)<\/junit.version>.*/\1/p' pom.xml)
./mvnw -q dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:"$version" \
  -DoutputDirectory="$work/lib/jars" -N -Dspotless.check.skip=true
# The standalone runner brings its own copies.
find "$work/lib/jars" -name 'junit-*' ! -name '*console-standalone*' -delete
for part in jextract/target/classes engine-ffm/target/classes engine-ffm/target/test-classes; do
  mkdir -p "$work/lib/$part"
  cp -r "$root/$part/." "$work/lib/$part/"
  rm -f "$work/lib/$part/module-info.class"
done
# Test data is the checkout's, and these judge code, not devices.
find "$work/lib/engine-ffm/target/test-classes" -mindepth 1 -maxdepth 1 ! -name dev -exec rm -r {} +
rm -f "$work"/lib/jars/archunit* "$work"/lib/jars/json-schema-validator*

# xz compresses what jlink does not: 16.6 MB instead of 25.9.
"$jdk/bin/jlink" --add-modules java.base,jdk.incubator.vector,java.logging,java.net.http,jdk.httpserver,jdk.unsupported,jdk.management,java.management,java.naming,java.xml,jdk.jfr,jdk.jcmd,jdk.management.jfr \
  --strip-debug --no-man-pages --no-header-files --compress zip-0 --output "$work/runtime"
tar -C "$work" -cJf "$carried/runtime.tar.xz" runtime
tar -C "$work" -cJf "$carried/lib.tar.xz" lib
(cd "$root" && git rev-parse HEAD) >"$carried/commit"
du -sh "$carried"
