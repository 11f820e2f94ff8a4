#!/bin/sh
# A scheduler, and beside it the Ray node that it joins the cluster through: one without CPUs, so that no job runs here.
# For containers, where both live and end together. On hosts, systemd/ has a unit for each.
#
# ELASTICJOB_RAY_ADDRESS names the head (host:6379). RAY_NODE_OPTIONS are more options of `ray start`.
set -eu

: "${ELASTICJOB_RAY_ADDRESS:?must name the head of the Ray cluster, as host:6379}"

# The scheduler's passwords and database are nothing that a process of Ray need hold.
for name in $(env | sed -n 's/^\([Ee][Ll][Aa][Ss][Tt][Ii][Cc][Jj][Oo][Bb]_[A-Za-z0-9_]*\)=.*/\1/p'); do
    hidden="${hidden:-} --unset=$name"
done

# A node that ends (the head was away for too long) is started again. The scheduler does not wait for it:
# the API answers without Ray too. $$ is the scheduler, once this shell has become it.
while kill -0 $$ 2>/dev/null; do
    # shellcheck disable=SC2086 # the options are words
    env ${hidden:-} ray start --address="$ELASTICJOB_RAY_ADDRESS" --num-cpus=0 --num-gpus=0 --object-store-memory=80000000 \
        --disable-usage-stats ${RAY_NODE_OPTIONS:-} --block || true
    sleep 2
done &

exec elasticjob-cloud scheduler "$@"
