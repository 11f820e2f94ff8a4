#!/bin/sh
# A script job that tidies up when it is killed: the agent sends SIGTERM, and SIGKILL some seconds later.
#
#   elasticjob-cloud app publish clean_app --app-url http://127.0.0.1:8080/clean_up.sh --bootstrap-script ./clean_up.sh
#   elasticjob-cloud job register clean_up --app-name clean_app --script ./clean_up.sh --cron '0 0 3 * * ?' \
#       --sharding-total-count 2 --sharding-item-parameters 0=/srv/reports,1=/srv/exports --job-parameter 7
#
# Each shard deletes the files of its directory that are older than the job's parameter, in days.
set -eu

directory=${ELASTICJOB_SHARDING_PARAMETER:?give each shard a directory: --sharding-item-parameters 0=/srv/reports}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
trap 'echo "killed; the rest stays"; exit 1' TERM

find "$directory" -type f -mtime +"${ELASTICJOB_JOB_PARAMETER:-7}" > "$list"
while IFS= read -r file; do
    rm -f -- "$file"
    echo "deleted $file"
done < "$list"
