#!/bin/sh
# A job that fails now and then, to show what becomes of that: a run that is FAILED, with its reason, and an alert.
echo "Uploading the sales of ${ELASTICJOB_SHARDING_PARAMETER}"
if [ $(($(date +%s) / 20 % 3)) -eq 2 ]; then
  echo "FATAL: quota exceeded" >&2
  exit 3
fi
echo "Done"
