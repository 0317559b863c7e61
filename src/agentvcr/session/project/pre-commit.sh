#!/bin/sh
# Written by `agentvcr init --hook`: no cassette is committed that is not whole.
git diff --cached --quiet --diff-filter=d -- '*.avcr' && exit 0
git diff --cached --name-only -z --diff-filter=d -- '*.avcr' | xargs -0 agentvcr verify --
