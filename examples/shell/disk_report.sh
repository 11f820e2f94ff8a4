#!/bin/sh
# A script job: each shard reports on its part of some directories. No SDK, no archive: this file is the app.
#
# Put it where agents can fetch it, then, once:
#
#   elasticjob-cloud app publish disk_app --app-url http://127.0.0.1:8080/disk_report.sh --bootstrap-script ./disk_report.sh
#   elasticjob-cloud job register disk_report --app-name disk_app --script ./disk_report.sh --cron '0 0/10 * * * ?' \
#       --sharding-total-count 2 --sharding-item-parameters 0=/usr,1=/var --job-parameter 95
#
# The shard's parameter is its directory; the job's parameter is how full, in percent, its disk may be.
set -eu

directory=${ELASTICJOB_SHARDING_PARAMETER:?give each shard a directory: --sharding-item-parameters 0=/usr,1=/var}
most_percent=${ELASTICJOB_JOB_PARAMETER:-90}

used_percent=$(df -P "$directory" | awk 'NR == 2 { sub("%", "", $5); print $5 }')
echo "shard $ELASTICJOB_SHARDING_ITEM of $ELASTICJOB_SHARDING_TOTAL_COUNT: the disk of $directory is ${used_percent} % full"

# The exit code decides: with failover a failed shard is started again, and either way it is recorded as TASK_FAILED.
[ "$used_percent" -le "$most_percent" ]
