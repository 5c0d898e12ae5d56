#!/usr/bin/env bash
# Renders every overlay with kustomize and validates it, unknown fields refused, against the Kubernetes schemas of 1.29 and of the
# newest release; custom resources against their projects' definitions. Needs Go and, for the first run, the Go module proxy.
# Everything fetched is pinned: tools by go.sum, definitions by modules.txt.
#
#   k8s/validate/run.sh [OVERLAY ...]     all when none is named
#   KEEP=FOLDER k8s/validate/run.sh       leaves the rendered manifests there
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
overlays=$here/../overlays
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rendered=${KEEP:-$work/rendered}
mkdir -p "$rendered" "$work/bin"
export GOFLAGS=-mod=readonly GOTOOLCHAIN=local

(cd "$here" && go build -o "$work/bin/" ./schemas github.com/yannh/kubeconform/cmd/kubeconform sigs.k8s.io/kustomize/kustomize/v5 \
  && go build -o "$work/bin/compose" github.com/compose-spec/compose-go/v2/cmd)

# Folder of a module, after its checksum was compared.
module() {
  local label=$1 path=$2 version=$3 sum=$4 told
  told=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$path@$version")
  if [ "$(sed -n 's/.*"Sum": "\(.*\)",\{0,1\}$/\1/p' <<<"$told")" != "$sum" ]; then
    echo "$label: $path@$version is not what modules.txt says: expected $sum, found $told" >&2
    return 1
  fi
  sed -n 's/.*"Dir": "\(.*\)",\{0,1\}$/\1/p' <<<"$told"
}

declare -A folder
while read -r label path version sum; do
  case $label in '#'* | '') continue ;; esac
  folder[$label]=$(module "$label" "$path" "$version" "$sum")
done <"$here/modules.txt"

for version in kubernetes-1.29 kubernetes-1.37; do
  "$work/bin/schemas" "$work/$version" swagger "${folder[$version]}/api/openapi-spec/swagger.json"
done
"$work/bin/schemas" "$work/custom" crd "${folder[prometheus-operator]}/example/prometheus-operator-crd" \
  "${folder[keda]}/config/crd/bases" "${folder[gateway-api]}/config/crd/standard"

[ $# -gt 0 ] || set -- $(ls "$overlays")
case " $* " in *" cpu "*) ;; *) set -- cpu "$@" ;; esac
name='{{ .ResourceKind }}-{{ .Group }}_{{ .ResourceAPIVersion }}.json'
conforms() {
  "$work/bin/kubeconform" -strict -summary -schema-location "$work/$1/$name" -schema-location "$work/custom/$name" \
    -schema-location "$here/own/$name" "$2"
}

passed=0 failed=0
for overlay in "$@"; do
  if ! "$work/bin/kustomize" build "$overlays/$overlay" >"$rendered/$overlay.yaml"; then
    failed=$((failed + 1))
    continue
  fi
  for version in kubernetes-1.29 kubernetes-1.37; do
    # What a release does not know yet is not for it.
    case $overlay:$version in image-volume:kubernetes-1.29) continue ;; esac
    if said=$(conforms "$version" "$rendered/$overlay.yaml"); then
      passed=$((passed + 1))
      echo "$overlay on ${version#kubernetes-}: ${said#*found in }"
    else
      failed=$((failed + 1))
      printf '%s on %s:\n%s\n' "$overlay" "${version#kubernetes-}" "$said" >&2
    fi
  done
done

# A check that cannot fail checks nothing: each of these mistakes must be found.
for mistake in 's/terminationGracePeriodSeconds/terminationGraceSeconds/' 's/containerPort: 8000/containerPort: http/' \
  's/restartPolicy: Always/restartpolicy: Always/'; do
  sed "$mistake" "$rendered/cpu.yaml" >"$work/mistaken.yaml"
  if cmp -s "$rendered/cpu.yaml" "$work/mistaken.yaml" || conforms kubernetes-1.37 "$work/mistaken.yaml" >/dev/null; then
    echo "the mistake $mistake was not found" >&2
    failed=$((failed + 1))
  fi
done

"$work/bin/compose" "$here/../../compose.yaml" >/dev/null && echo "compose.yaml: valid" || failed=$((failed + 1))

if command -v promtool >/dev/null; then
  monitoring=$here/../components/monitoring
  sed -n '/^spec:/,$p' "$monitoring/prometheus-rule.yaml" | sed '1d; s/^  //' >"$work/rules.yaml"
  cp "$monitoring/tests/alerts.yaml" "$work/"
  promtool test rules "$work/alerts.yaml" || failed=$((failed + 1))
else
  echo "alert rules not tested: no promtool here (Debian: apt-get install prometheus)"
fi
echo "$passed renderings valid, $failed faults"
[ "$failed" -eq 0 ]
