#!/bin/sh
# Prints a flag for CGO_CFLAGS that changes with the library that was staged in the folder given, for Go's cache, which sees
# neither headers nor libraries of C.
set -eu
echo "-DMT_TRANSCODE_STAGED=$(cat "$1"/include/mt_transcode/* "$1"/lib/pkgconfig/* "$1"/lib/libmt_transcode.a | cksum | cut -d ' ' -f 1)"
