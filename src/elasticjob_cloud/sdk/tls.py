"""Whom TLS connections of jobs trust: the same as everything else of ours does (`model.trust`)."""

from elasticjob_cloud.model.trust import trusted_context

__all__ = ["trusted_context"]
