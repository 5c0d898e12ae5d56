#!/usr/bin/env bash
# Measures the host's part of a decode step on CUDA (docs/benchmarks.md, "GPU"), without a GPU: what a downcall costs by the generated
# bindings and without a transition, and what a replayed step costs on an emulated device that does nothing. Needs gcc and g++.
# About a minute. SPANDREL_NO_BUILD=1 takes the classes that are there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
jdk=$("$root/spandrel" jdk)
work=$root/target/bench/ffi
mkdir -p "$work"
jars=$work/jars
if [ -z "${SPANDREL_NO_BUILD:-}" ] || [ ! -d "$jars" ]; then
  (cd "$root" && JAVA_HOME=$jdk ./mvnw -q -pl jextract,engine-ffm test-compile dependency:copy-dependencies -DincludeScope=test \
    -DoutputDirectory="$jars" -DexcludeArtifactIds=spandrel-jextract -Dspotless.check.skip=true)
fi
engine=$root/engine-ffm/target
classpath=$work/classes:$engine/test-classes:$engine/classes:$root/jextract/target/classes:$(printf '%s:' "$jars"/*.jar)
"$jdk/bin/javac" -Xlint:-restricted -cp "$classpath" -d "$work/classes" "$root"/bench/ffi/*.java
gcc -O2 -Wall -fPIC -shared -o "$work/libstubs.so" "$root/bench/ffi/stubs.c"
java=("$jdk/bin/java" --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -Xmx2g "$@" -cp "$classpath")
"${java[@]}" Downcalls "$work/libstubs.so"
# The emulation is built from the sources beside it.
cd "$root/engine-ffm"
"${java[@]}" HostSteps "$work/model" "$root/models"
