"""Silence for what schedulers log while they are taken down."""

import logging

import structlog


def quiet_logs() -> None:
    """Log nothing: rendering the traceback of each crash would take longer than the simulation."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
