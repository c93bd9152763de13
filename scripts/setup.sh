#!/usr/bin/env bash
# Installs what Sunder needs to build and test on Debian and Ubuntu. With --print, only prints the package names.
# Elsewhere: install the same libraries with your own package manager (Fedora: gcc-c++ cmake ninja-build openblas-devel
# kissfft-devel libsndfile-devel soxr-devel libmd-devel cli11-devel tomlplusplus-devel json-devel fmt-devel spdlog-devel
# protobuf-devel cpp-httplib-devel libarchive-devel libpng-devel cairo-devel dejavu-sans-fonts gtest-devel
# google-benchmark-devel boost-devel patchelf).
set -euo pipefail

packages=(g++ cmake ninja-build ccache pkg-config git ca-certificates
  libopenblas0-pthread libkissfft-dev libsndfile1-dev libsoxr-dev libmd-dev libpng-dev libcairo2-dev fonts-dejavu-core
  libcli11-dev libtomlplusplus-dev nlohmann-json3-dev libfmt-dev libspdlog-dev
  libprotobuf-dev protobuf-compiler libcpp-httplib-dev libarchive-dev
  libgtest-dev libbenchmark-dev libboost-context-dev patchelf)

if [ "${1:-}" = --print ]; then
  echo "${packages[@]}"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "setup.sh knows Debian and Ubuntu only; install these libraries with your package manager: ${packages[*]}" >&2
  exit 1
fi
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=
[ "$(id -u)" -eq 0 ] || sudo=sudo
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null
$sudo apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
