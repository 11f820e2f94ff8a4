#!/bin/sh
# A script job needs no SDK: its sharding context comes in the environment, and as JSON in the last argument.
echo "Hello from ${ELASTICJOB_SHARDING_PARAMETER}: shard ${ELASTICJOB_SHARDING_ITEM} of ${ELASTICJOB_SHARDING_TOTAL_COUNT}"
echo "The whole context: $1"
sleep 0.5
