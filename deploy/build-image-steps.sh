#!/usr/bin/env bash
# Runs the steps of a Dockerfile without Docker: deploy/build-image-steps.sh TARGET [DOCKERFILE]
# TARGET becomes the root of the image's file system (the base image itself is this machine). WORKDIR, ENV, COPY and RUN
# are carried out, everything else is printed. RUN must stay inside WORKDIR. What .dockerignore names can't be copied.
set -euo pipefail

context=$(cd "$(dirname "$0")/.." && pwd)
target=${1:?usage: deploy/build-image-steps.sh TARGET [DOCKERFILE]}
dockerfile=${2:-$context/deploy/Dockerfile}
mkdir -p "$target"
target=$(cd "$target" && pwd)
workdir=/

ignored() { # true when the path, or a folder above it, is named in .dockerignore
  local path=$1 pattern
  while read -r pattern; do
    [[ $pattern == '' || $pattern == '#'* ]] && continue
    # shellcheck disable=SC2053
    [[ $path == $pattern || $path == $pattern/* ]] && return 0
  done <"$context/.dockerignore"
  return 1
}

place() { # absolute place of an image path
  case $1 in
    /*) printf '%s%s' "$target" "$1" ;;
    *) printf '%s%s/%s' "$target" "${workdir%/}" "$1" ;;
  esac
}

copy() {
  local to=${*: -1} from
  for from in "${@:1:$#-1}"; do
    ignored "$from" && { echo "COPY $from: .dockerignore leaves it out" >&2; exit 1; }
    if [ -d "$context/$from" ]; then
      mkdir -p "$(place "$to")"
      cp -R "$context/$from/." "$(place "$to")"
    elif [[ $to == */ || $# -gt 2 ]]; then
      mkdir -p "$(place "$to")"
      cp "$context/$from" "$(place "$to")"
    else
      mkdir -p "$(dirname "$(place "$to")")"
      cp "$context/$from" "$(place "$to")"
    fi
  done
}

step() {
  local word=${1%% *} rest=${1#* }
  echo "$1"
  case $word in
    WORKDIR) workdir=$rest && mkdir -p "$target$workdir" ;;
    ENV) export "${rest?}" ;;
    COPY)
      # shellcheck disable=SC2086
      copy $rest
      ;;
    RUN)
      while [[ $rest == --mount=* ]]; do rest=${rest#* }; done # a cache: npm has its own here
      (cd "$target$workdir" && bash -c "$rest")
      ;;
    FROM | USER | EXPOSE | CMD | LABEL) ;;
    *) echo "unknown step: $1" >&2 && exit 1 ;;
  esac
}

line=''
while IFS= read -r part || [ -n "$part" ]; do
  [[ $part == '#'* || ($part == '' && $line == '') ]] && continue
  line+=$part
  if [[ $line == *\\ ]]; then
    line=${line%\\}
    continue
  fi
  step "$line"
  line=''
done <"$dockerfile"
