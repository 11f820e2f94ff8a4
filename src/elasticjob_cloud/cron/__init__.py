"""Quartz cron: reading an expression, and the next fire in a time zone."""

from elasticjob_cloud.cron.errors import InvalidCronError
from elasticjob_cloud.cron.expression import CronExpression

__all__ = ["CronExpression", "InvalidCronError"]
