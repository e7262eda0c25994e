#!/bin/sh
# Runs the program that was built and looks at what it prints.
set -eu
"$1" world | tr '[:lower:]' '[:upper:]' | grep WORLD
"$1" | grep hello || echo "and nothing for nobody"
