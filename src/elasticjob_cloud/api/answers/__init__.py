"""What callers get: JSON, views in ElasticJob's shapes, output of tasks."""
