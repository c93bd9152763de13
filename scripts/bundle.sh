#!/usr/bin/env bash
# Makes sunder-VERSION-linux-x86_64.tar.gz: the programs, libsunder with its header, models, documents, and every shared library
# that they need but those of glibc and of NVIDIA's driver, with their licences. It runs wherever it is unpacked, on any x86-64
# Linux whose glibc is not older than the printed one. Prints sizes, the oldest glibc and the cold start.
#
#   scripts/bundle.sh [--output FILE] [--build DIR] [--cuda none|needed] [--model FILE] [--licences DIR]
#
#   --output    ends with .tar.gz, .tar.xz or .tar; default: the name above, in this folder
#   --build     a finished Release build; default: one is made in build/bundle (on two cores about six minutes, with CUDA half an hour)
#   --cuda      needed: with the libraries of the CUDA Toolkit and cuDNN that a build with CUDA uses (1.9 GB);
#               none (default): without
#   --model     what the cold start is measured with; default: the model in the bundle, without one `sunder-info --help`
#   --licences  folder with texts for libraries that neither a Debian package nor a toolkit explains: NAME.txt for NAME.so,
#               NVIDIA.txt for all of NVIDIA's
#
# The same build gives the same bytes: the time in the archive is that of the last commit, or SOURCE_DATE_EPOCH.
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

die() { echo "bundle.sh: $*" >&2; exit "${code:-1}"; }
usage() { code=2 die "$*"; }
from_here() { (cd "$here" && realpath -ms "$1"); }

output='' build='' cuda=none model='' licences=''
while [ $# -gt 0 ]; do
  case "$1" in
    --output) output=$(from_here "${2:?--output needs a file}"); shift 2 ;;
    --build) build=$(from_here "${2:?--build needs a folder}"); shift 2 ;;
    --cuda) cuda=${2:?--cuda needs none or needed}; shift 2 ;;
    --model) model=$(from_here "${2:?--model needs a file}"); shift 2 ;;
    --licences) licences=$(from_here "${2:?--licences needs a folder}"); shift 2 ;;
    -h | --help) sed -n '2,18s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) usage "unknown argument $1 (see --help)" ;;
  esac
done
[[ $cuda =~ ^(none|needed)$ ]] || usage "--cuda: expected none or needed, got $cuda"
case "$output" in
  '' | *.tar.gz) pack=(gzip -n) ;;
  *.tar.xz) pack=(xz -T 1) ;;
  *.tar) pack=(cat) ;;
  *) usage "--output: expected a name that ends with .tar.gz, .tar.xz or .tar, got $output" ;;
esac
[ -z "$model" ] || [ -e "$model" ] || code=4 die "--model: there is no $model"
for tool in patchelf readelf strip dpkg-query xz; do
  command -v "$tool" >/dev/null || die "needs $tool: apt-get install patchelf binutils dpkg xz-utils"
done

given=$build
if [ -z "$given" ]; then
  build=build/bundle
  scripts/setup.sh
  # Messages name source files: from the root on, not where they lie here.
  map=-fmacro-prefix-map=$PWD/=
  device=(-DSUNDER_CUDA=off)
  [ "$cuda" = none ] || device=(-DSUNDER_CUDA=on -DCMAKE_CUDA_FLAGS="${CUDAFLAGS:-} -Xcompiler=$map")
  began=$SECONDS
  echo "building in $build"
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSUNDER_TESTS=OFF -DCMAKE_CXX_FLAGS="${CXXFLAGS:-} $map" \
    "${device[@]}" >/dev/null
  cmake --build "$build" --parallel "$(nproc)" >"$build/bundle.log" || { tail -20 "$build/bundle.log" >&2; exit 1; }
  echo "built in $((SECONDS - began)) s"
fi
[ -f "$build/CMakeCache.txt" ] || die "--build: expected the folder of a finished build, found no $build/CMakeCache.txt"
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
type=$(cached CMAKE_BUILD_TYPE)
[ "${type:-Release}" = Release ] || die "--build: expected a Release build, got $build, which is $type"
top=sunder-$(cached CMAKE_PROJECT_VERSION)-linux-x86_64
output=${output:-$here/$top.tar.gz}
built_from=$(cached CMAKE_HOME_DIRECTORY)
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || die "no commit gives a time here: set SOURCE_DATE_EPOCH")}

stage=$(mktemp -d)
trap 'rm -rf "$stage" "$output.part"' EXIT
tree=$stage/$top
env -u DESTDIR cmake --install "$build" --prefix "$tree" >"$stage/log" 2>&1 ||
  { tail -3 "$stage/log" >&2; die "--build: $build is not finished, or not for installing"; }
for file in bin/sunder-separate lib/libsunder.so.1; do
  [ -e "$tree/$file" ] || die "--build: expected $file of $build: parts are off, or folders have other names"
done
# The archive would need fmt and soxr of the build machine's very versions: users of another system link libsunder.so.
# MPI must be that of the cluster.
rm -rf "$tree"/lib/sunder/sunder-mpi.so
rm -f "$tree"/lib/libsunder.a "$tree"/lib/pkgconfig/sunder-static.pc "$tree"/lib/cmake/sunder/sunder-static-*.cmake

soname() { readelf -d "$1" | sed -n 's/.*(SONAME).*\[\(.*\)\]$/\1/p'; }
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p'; }
with_cuda=no
if needed "$tree/bin/sunder-separate" | grep '^libcudart' >"$stage/log"; then with_cuda=yes; fi
[ "$cuda" = none ] || [ $with_cuda = yes ] || die "--cuda needed: the build in $build has no CUDA: configure it with -D SUNDER_CUDA=on"

is_nvidia() { [[ $1 =~ ^lib(cu(dart|blas|blasLt|fft|solver|sparse|dnn[a-z_]*)|nv[A-Za-z-]+)\.so ]]; }
stays_outside() {  # a library of the system that the bundle runs on
  case "$1" in
    ld-linux* | linux-vdso* | libc.so* | libm.so* | libmvec.so* | libdl.so* | libpthread.so* | librt.so* | libresolv.so* | \
      libutil.so* | libanl.so* | libnss_* | libcuda.so* | libnvidia-*) return 0 ;;
  esac
  [ "$cuda" = none ] && is_nvidia "$1"
}
is_elf() { [ "$(head -c 4 "$1" | tr -d '\0')" = $'\x7fELF' ]; }

documents=$tree/share/doc/sunder
table=$documents/bundled.md
printf '# Libraries in lib/\n\n| file | package | version | licence |\n| --- | --- | --- | --- |\n' >"$table"

# What the licence of a library is: "PACKAGE VERSION TEXT".
origin() {  # NAME PATH
  local real package path folder name
  real=$(readlink -f "$2")
  for path in "$real" "${real#/usr}" "$2"; do
    package=$(dpkg-query -S "$path" 2>/dev/null | head -1 | sed 's/[:,].*//') || true
    [ -z "$package" ] || break
  done
  if [ -n "$package" ]; then
    [ -f "/usr/share/doc/$package/copyright" ] && echo "$package" "$(dpkg-query -W -f '${Version}\n' "$package" | head -1)" \
      "/usr/share/doc/$package/copyright" && return
  elif is_nvidia "$1"; then
    for folder in "${real%/*}/.." "${real%/*}/../../.." "${real%/*}"; do
      for path in "$folder"/EULA.txt "$folder"/LICENSE; do
        [ -f "$path" ] && echo NVIDIA "${real##*.so.}" "$path" && return
      done
    done
  fi
  if [ -n "$licences" ]; then
    for name in "${1%%.so*}" $(is_nvidia "$1" && echo NVIDIA); do
      [ -f "$licences/$name.txt" ] && echo "$name" "${real##*.so.}" "$licences/$name.txt" && return
    done
  fi
  die "$1 ($2${package:+ of $package}): no licence text was found: put it into ${1%%.so*}.txt of a folder, and name that with --licences"
}

add() {  # NAME PATH: a library into lib/, with its licence
  [ ! -e "$tree/lib/$1" ] || return 0
  local package version text
  install -m 755 "$2" "$tree/lib/$1"
  read -r package version text < <(origin "$@")
  [ -n "${text:-}" ] || exit 1
  install -D -m 644 "$text" "$documents/licences/$package.txt"
  echo "| $1 | $package | $version | licences/$package.txt |" >>"$table"
}

add_with_needed() {  # FILE...: everything that the files need, and what that needs
  local file name path
  for file in "$@"; do
    while read -r name path; do
      stays_outside "$name" && continue
      [ "$path" != not ] || die "${file##*/} needs $name, which this machine does not have"
      add "$name" "$path"
    done < <(ldd "$file" | awk '$2 == "=>" { print $1, $3 }')
  done
}

mapfile -t programs < <(find "$tree/bin" -type f | sort)
mapfile -t folders < <(ldd "${programs[@]}" | awk '$1 ~ /^lib(cu|nv)/ && $3 ~ /^\// { sub("/[^/]*$", "", $3); print $3 }' | sort -u)
add_with_needed "${programs[@]}" "$tree/lib/libsunder.so.1"
# What is loaded at run time, as the sources name it.
while read -r name; do
  path=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p | awk -v name="$name" '$1 == name && /x86-64/ { print $NF; exit }')
  [ -n "$path" ] || die "$name, which is loaded at run time, is not on this machine"
  add "$name" "$path"
  add_with_needed "$path"
done < <(grep -rhoP '\bdlopen\("\K[^"]+' --include='*.cpp' tensor files command audio autograd nn embed | sort -u)
if [ "$cuda" = needed ]; then  # cuDNN's parts, and the compiler that they use
  for pattern in 'libcudnn_*.so.[0-9]*' 'libnvrtc.so.[0-9]*' 'libnvrtc-builtins.so.[0-9]*'; do
    mapfile -t files < <(find -H "${folders[@]}" -maxdepth 1 -name "$pattern")
    [ ${#files[@]} -gt 0 ] || die "--cuda needed: no $pattern in ${folders[*]}"
    for file in "${files[@]}"; do
      if [ "$(soname "$file")" = "${file##*/}" ]; then add "${file##*/}" "$file" && add_with_needed "$file"; fi
    done
  done
fi
# Debian's texts refer to common ones that other systems do not have.
while read -r text; do
  [ -f "$text" ] || die "a licence refers to $text, which this machine does not have"
  install -D -m 644 "$text" "$documents/licences/common/${text##*/}"
done < <(grep -rhoE '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$documents/licences" | sort -u)
tail -n +5 "$table" | LC_ALL=C sort >"$stage/rows"
{ head -4 "$table"; cat "$stage/rows"; } >"$stage/table"
mv "$stage/table" "$table"

# RPATH and not RUNPATH: somebody's LD_LIBRARY_PATH, often set to other versions of these libraries, does not come first.
# NVIDIA's files find each other as they are, and may not be changed.
for file in "${programs[@]}"; do
  strip -s "$file"
  patchelf --force-rpath --set-rpath "\$ORIGIN/../lib" "$file"
done
while read -r file; do
  is_nvidia "${file##*/}" && continue
  # Others' files come stripped, and one that was changed by patchelf before would not survive it.
  [[ $file != */libsunder.so* ]] || strip --strip-unneeded "$file"
  patchelf --force-rpath --set-rpath "\$ORIGIN" "$file"
done < <(find "$tree/lib" -name '*.so*' -type f)

grep -rlF -e "$PWD/" -e "$built_from/" -e "$(realpath "$build")/" "$tree" >"$stage/named" || true
[ -n "$given" ] || [ ! -s "$stage/named" ] || die "$(head -1 "$stage/named") names a folder of this machine"

glibc=$(find "$tree" -type f | while read -r file; do
  if is_elf "$file"; then readelf -VW "$file" | grep -oE '\bGLIBC_[0-9.]+' || true; fi
done | sort -uV | tail -1)

# The programs run as on a machine that has nothing else but, with --cuda none, NVIDIA's libraries.
run() { env -i HOME="$stage" LD_LIBRARY_PATH="$(IFS=: && echo "${folders[*]}")" "$@"; }
cold=("$tree/bin/sunder-separate" - --format s16le --rate 8000 --channels 1 -o -)
measured="one second of sound"
if [ -n "$model" ]; then
  cold+=(--model "$model")
elif ! compgen -G "$tree/share/sunder/models/*.safetensors" >/dev/null; then
  cold=("$tree/bin/sunder-info" --help) measured="sunder-info --help, as there is no model"
fi
head -c 16000 /dev/urandom >"$stage/second"
times=()
for ((i = 0; i < 7; ++i)); do
  began=${EPOCHREALTIME/[.,]/}
  run "${cold[@]}" <"$stage/second" >"$stage/out" 2>"$stage/log" || { cat "$stage/log" >&2; die "the bundled ${cold[0]##*/} does not run"; }
  times+=($((${EPOCHREALTIME/[.,]/} - began)))
done
median=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 4p)

tar -C "$stage" --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w,a+X --format=gnu -cf - "$top" |
  "${pack[@]}" >"$output.part"
mv "$output.part" "$output"

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB\n", bytes / 1e6 }'; }
gpu="no CUDA in this build"
[ $with_cuda = no ] || gpu="CUDA, its libraries are in the bundle"
[ $with_cuda = no ] || [ "$cuda" = needed ] || gpu="CUDA, its libraries are not in the bundle"
cat <<END
bundle      $output
packed      $(megabytes "$(stat -c %s "$output")")
unpacked    $(megabytes "$(find "$tree" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')")
libraries   $(wc -l <"$stage/rows") of others, their licences in share/doc/sunder/licences
glibc       ${glibc#GLIBC_} or newer
device      $gpu
paths       $(wc -l <"$stage/named") files name folders of this machine
cold start  $(awk -v us="$median" 'BEGIN { printf "%.3f s", us / 1e6 }') ($measured; median of ${#times[@]}, files in memory)
END
