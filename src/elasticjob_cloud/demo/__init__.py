"""`elasticjob-cloud demo`: sample jobs, and a terminal that shows what becomes of them."""

from elasticjob_cloud.demo.show import Demo

__all__ = ["Demo"]
