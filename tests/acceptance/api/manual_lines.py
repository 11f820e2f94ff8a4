"""The manual's own lines, as users type them: real curl, only the host replaced (configuration manual)."""

import subprocess

MANUAL = {
    "login": """curl -H "Content-Type: application/json" -X POST http://elasticjob_cloud_host:8899/api/login -d '{"username": "root", "password": "pwd"}'""",
    "publish": """curl -l -H "Content-type: application/json" -X POST -d '{"appName":"my_app","appURL":"http://app_host:8080/my-job.tar.gz","cpuCount":0.1,"memoryMB":64.0,"bootstrapScript":"bin/start.sh","appCacheEnable":true,"eventTraceSamplingCount":0}' http://elastic_job_cloud_host:8899/api/app""",
    "change": """curl -l -H "Content-type: application/json" -X PUT -d '{"appName":"my_app","appCacheEnable":true}' http://elastic_job_cloud_host:8899/api/app""",
    "register": """curl -l -H "Content-type: application/json" -X POST -d '{"appName":"my_app","cpuCount":0.1,"memoryMB":64.0,"jobExecutionType":"TRANSIENT","jobName":"my_job","cron":"0/5 * * * * ?","shardingTotalCount":5,"failover":true,"misfire":true}' http://elastic_job_cloud_host:8899/api/job/register""",
    "update": """curl -l -H "Content-type: application/json" -X PUT -d '{"appName":"my_app","jobName":"my_job","cpuCount":0.1,"memoryMB":64.0,"jobExecutionType":"TRANSIENT","cron":"0/5 * * * * ?","shardingTotalCount":5,"failover":true,"misfire":true}' http://elastic_job_cloud_host:8899/api/job/update""",
    "trigger": """curl -l -H "Content-type: application/json" -X POST -d 'my_job' http://elastic_job_cloud_host:8899/api/job/trigger""",
    "deregister": """curl -l -H "Content-type: application/json" -X DELETE -d 'my_job' http://elastic_job_cloud_host:8899/api/job/deregister""",
}


def run_line(
    name: str, server: str, token: str | None = None, app_host: str = "http://app_host:8080"
) -> tuple[str, int]:
    line = MANUAL[name].replace("http://app_host:8080", app_host)
    for host in ("http://elasticjob_cloud_host:8899", "http://elastic_job_cloud_host:8899"):
        line = line.replace(host, server)
    # What the manual leaves out: every call but the login carries the token, and curl is told to show the status.
    line += " -s --noproxy '*' -w '\\n%{http_code}'"
    if token is not None:
        line += f" -H 'accessToken: {token}'"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return body, int(status)
