#!/usr/bin/env bash
# bench/amx/pack.sh GUEST JDK: a runtime made by jlink, engine, tests and what they read, for bench/amx/run.sh.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
guest=$1 jdk=$2
cd "$root"
JAVA_HOME=$jdk ./mvnw -q -pl jextract,engine-ffm test-compile dependency:copy-dependencies -DincludeScope=test \
  -DoutputDirectory="$guest/app" -DexcludeArtifactIds=spandrel-jextract -Dspotless.check.skip=true
version=$(sed -n 's/.*<junit.version>\(.*\)<\/junit.version>.*/\1/p' pom.xml)
JAVA_HOME=$jdk ./mvnw -q dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:"$version" \
  -DoutputDirectory="$guest/app" -N -Dspotless.check.skip=true
# The standalone runner brings its own copies; the others judge what does not run here.
find "$guest/app" -name 'junit-*' ! -name '*console-standalone*' -delete
rm -f "$guest"/app/{archunit,json-schema-validator,itu,jackson-dataformat,jackson-datatype,snakeyaml,slf4j}*
for part in jextract/target/classes engine-ffm/target/classes engine-ffm/target/test-classes; do
  mkdir -p "$guest/app/$part"
  cp -r "$part/." "$guest/app/$part/"
  rm -f "$guest/app/$part/module-info.class"
done
find "$guest/app/engine-ffm/target/test-classes" -mindepth 1 -maxdepth 1 ! -name dev -exec rm -r {} +
cp -r models/spandrel-tiny "$guest/repository/models/"
cp -r engine-ffm/src/test/resources/families "$guest/repository/engine-ffm/src/test/resources/"
"$jdk/bin/jlink" --add-modules java.base,jdk.incubator.vector,java.logging,java.net.http,jdk.httpserver,jdk.unsupported,jdk.management,java.management,java.naming,java.xml \
  --strip-debug --no-man-pages --no-header-files --compress zip-0 --output "$guest/jdk"
"$guest/jdk/bin/java" -Xshare:dump -XX:+UseSerialGC >/dev/null 2>&1
rm -rf "$guest/jdk/legal"
