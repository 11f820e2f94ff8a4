"""ElasticJob-Cloud for Python: scheduled jobs, sharded over a cluster."""

__version__ = "0.1.0"
