"""Puts the rooms together into a running scheduler: the one place that knows them all."""

from elasticjob_cloud.server.compose import build_server
from elasticjob_cloud.server.passwords import settle_passwords
from elasticjob_cloud.server.run import Server

__all__ = ["Server", "build_server", "settle_passwords"]
