"""Alerts are decided here: what fires, what is over, and which messages are due. Pure, as all of `scheduling`."""

from elasticjob_cloud.scheduling.alerts.book import AlertBook

__all__ = ["AlertBook"]
