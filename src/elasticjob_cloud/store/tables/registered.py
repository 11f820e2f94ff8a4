"""What is registered: apps, jobs, and how far each job's cron has been evaluated."""

from typing import Final

from elasticjob_cloud.store.tables.columns import keyed_by_text, text_column, time_column, truth_column

app: Final = keyed_by_text(
    "app",
    text_column("app_name", primary_key=True),
    text_column("configuration"),
    truth_column("disabled"),
    truth_column("removing"),
)

job: Final = keyed_by_text(
    "job",
    text_column("job_name", primary_key=True),
    text_column("configuration"),
    truth_column("disabled"),
    time_column("since_ms"),
)

schedule: Final = keyed_by_text(
    "schedule", text_column("job_name", primary_key=True), time_column("evaluated_to_ms")
)

# What a clock that jumped left out of a job's cron, and what is not to be fired again: `ScheduleSpans` as JSON. Few jobs
# have a row.
schedule_span: Final = keyed_by_text(
    "schedule_span", text_column("job_name", primary_key=True), text_column("spans")
)
