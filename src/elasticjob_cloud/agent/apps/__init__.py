"""How an agent gets apps: download, a cache that asks whether an app changed, and extraction that trusts no archive."""

from elasticjob_cloud.agent.apps.archives.top_folder import folder_hint
from elasticjob_cloud.agent.apps.cache import AppCache
from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.versions.version import AppFolder, PreparedApp

__all__ = ["AppCache", "AppFolder", "AppLimits", "PreparedApp", "folder_hint"]
