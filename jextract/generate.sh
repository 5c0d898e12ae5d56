#!/usr/bin/env bash
# Makes the bindings again from the headers of a local CUDA toolkit, checks that nothing listed is missing, and writes the
# checksums anew. With --facts it only compares abi-facts.txt with the headers, by a C program and any C compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# What made the committed output; another jextract may name things otherwise.
pinned_jextract=25

usage() {
  cat <<'TEXT'
Usage: jextract/generate.sh [--facts]

  CUDA_HOME           the toolkit, 12.8 to 13.x, with include/cuda.h (default: /usr/local/cuda)
  CUDA_EXTRA_INCLUDE  more include folders, colon-separated and looked at first: cuBLAS and NVRTC headers outside the toolkit
  JEXTRACT            jextract built on JDK 25 with libclang 13, 14 or 15 (default: jextract on the PATH)
  --facts             compare abi-facts.txt with the headers and stop; needs a C compiler, no jextract
TEXT
}

fail() {
  printf 'generate.sh: %s\n' "$1" >&2
  exit 1
}

includes=()
find_headers() {
  local toolkit=${CUDA_HOME:-/usr/local/cuda} folder version
  [ -r "$toolkit/include/cuda.h" ] ||
    fail "no cuda.h under $toolkit/include; point CUDA_HOME at a CUDA toolkit from 12.8 to 13.x"
  version=$(sed -n 's/^#define CUDA_VERSION \([0-9]*\).*/\1/p' "$toolkit/include/cuda.h" | head -n 1)
  [ "${version:-0}" -ge 12080 ] && [ "$version" -lt 14000 ] ||
    fail "expected the headers of CUDA 12.8 to 13.x (CUDA_VERSION 12080 to 13999), found CUDA_VERSION ${version:-none} in $toolkit"
  IFS=: read -ra folders <<<"${CUDA_EXTRA_INCLUDE:-}"
  for folder in ${folders[@]+"${folders[@]}"}; do includes+=(-I "$folder"); done
  # The complete toolkit last, or its own vector_functions.hpp is not found.
  includes+=(-I "$toolkit/include")
}

# A C program that prints each fact of the file as the headers have it.
check_facts() {
  local work headers=(cuda.h) header
  work=$(mktemp -d)
  trap 'rm -rf "$work"' RETURN
  for header in cublas_v2.h cublasLt.h nvrtc.h; do
    if echo "#include <$header>" | "${CC:-cc}" "${includes[@]}" -E - >/dev/null 2>&1; then
      headers+=("$header")
    else
      echo "generate.sh: $header is not there, its facts are not checked" >&2
    fi
  done
  {
    echo '#include <stddef.h>'
    echo '#include <stdio.h>'
    printf '#include <%s>\n' "${headers[@]}"
    echo 'int main(void) {'
    awk -v headers="${headers[*]}" '
      /^CUBLASLT|^cublasLt/ && headers !~ /cublasLt/ { next }
      (/^CUBLAS_/ || /^CUDA_R_/) && headers !~ /cublas_v2/ { next }
      /^NVRTC/ && headers !~ /nvrtc/ { next }
      $2 == "size" { printf "  printf(\"%s size %%zu\\n\", sizeof(%s));\n", $1, type($1); next }
      $1 ~ /\./ {
        split($1, part, ".")
        printf "  printf(\"%s %%zu %%zu\\n\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n",
          $1, type(part[1]), part[2], type(part[1]), part[2]
        next
      }
      { printf "  printf(\"%s %%lld\\n\", (long long)(%s));\n", $1, $1 }
      # Tags of structs and unions need their keyword, typedefs of unnamed ones have none.
      function type(name) { return name ~ /_t$/ ? name : name ~ /_union$/ ? "union " name : "struct " name }
    ' abi-facts.txt
    echo '  return 0;'
    echo '}'
  } >"$work/facts.c"
  "${CC:-cc}" -w "${includes[@]}" -o "$work/facts" "$work/facts.c"
  "$work/facts" >"$work/found"
  if ! awk 'NR == FNR { found[$0] = 1; name[$1] = $0; next }
            $1 in name && !($0 in found) { print "  expected " $0 ", found " name[$1]; bad = 1 }
            $0 in found { same++ }
            END { print same " facts agree"; exit bad }' "$work/found" abi-facts.txt; then
    fail "abi-facts.txt and the headers differ"
  fi
}

generate() {
  local tool=${JEXTRACT:-jextract} out name library header class missing=0
  command -v "$tool" >/dev/null || fail "no jextract; set JEXTRACT to one built on JDK 25 with libclang 13, 14 or 15"
  "$tool" --version 2>&1 | grep -q "jextract $pinned_jextract" ||
    fail "expected jextract $pinned_jextract, found: $("$tool" --version 2>&1 | head -n 1)"
  "$tool" --version 2>&1 | grep -Eq 'clang version 1[345]\.' ||
    fail "expected libclang 13 to 15 (16 and later name anonymous structs by file and line), found: $("$tool" --version 2>&1 | grep -i clang)"
  out=$(mktemp -d)
  trap 'rm -rf "$out"' RETURN
  while read -r library header class package; do
    "$tool" "@args/$library.args" "${includes[@]}" -t "dev.spandrel.cuda.bindings.$package" \
      --symbols-class-name "$class" --output "$out" "$header"
    # jextract ignores a misspelt symbol and exits with 0.
    while read -r name; do
      if ! grep -rqw -- "$name" "$out/dev/spandrel/cuda/bindings/$package"; then
        echo "  $library.args: $name is not in the output" >&2
        missing=1
      fi
    done < <(awk '/^--include-(function|constant|struct|union)/ { print $2 }' "args/$library.args")
  done <<'LIBRARIES'
driver cuda.h cuda_shared driver
cublas cublas_v2.h cublas_shared cublas
cublaslt cublasLt.h cublasLt_shared cublaslt
nvrtc nvrtc.h nvrtc_shared nvrtc
LIBRARIES
  [ "$missing" = 0 ] || fail "symbols are missing from the output; nothing was changed"
  rm -rf src/main/java/dev
  cp -r "$out/dev" src/main/java/
  { find args -type f; find src/main/java/dev -type f; } | LC_ALL=C sort | xargs sha256sum >checksums.txt
}

case ${1:-} in
  '') find_headers && generate && check_facts ;;
  --facts) find_headers && check_facts ;;
  -h | --help) usage ;;
  *) usage >&2 && exit 2 ;;
esac
