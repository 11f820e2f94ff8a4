"""What is asked about live tasks."""

from pydantic import ConfigDict

from elasticjob_cloud.api.requests.models import ShortText
from elasticjob_cloud.api.requests.raw.query import QueryParameters


class LiveTaskFilters(QueryParameters):
    """`GET /api/job/tasks/running`. Other parameters are ignored: ElasticJob's consoles send those of their table."""

    model_config = ConfigDict(extra="ignore")

    job_name: ShortText = ""
