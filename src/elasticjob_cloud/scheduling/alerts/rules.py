"""Which rule holds for a job or for the system. Rules are merged once and remembered until one changes."""

from collections.abc import Mapping

from elasticjob_cloud.model.alerting.alert import Alert
from elasticjob_cloud.model.alerting.rule import (
    APP_PREFIX,
    GLOBAL_SCOPE,
    JOB_PREFIX,
    AlertRule,
    EffectiveRule,
    effective_rule,
)


class Rules:
    """All rules by their scopes."""

    def __init__(self, rules: Mapping[str, AlertRule]) -> None:
        self._rules = dict(rules)
        self._merged: dict[tuple[str, str], EffectiveRule] = {}
        self._global = effective_rule(self._rules.get(GLOBAL_SCOPE))
        self._has_scopes = bool(self._rules.keys() - {GLOBAL_SCOPE})

    def put(self, scope: str, rule: AlertRule | None) -> None:
        """Set the rule of a scope, or take it away."""
        if rule is None:
            self._rules.pop(scope, None)
        else:
            self._rules[scope] = rule
        self._merged.clear()
        self._global = effective_rule(self._rules.get(GLOBAL_SCOPE))
        self._has_scopes = bool(self._rules.keys() - {GLOBAL_SCOPE})

    def has(self, scope: str) -> bool:
        """Tell whether a scope has a rule."""
        return scope in self._rules

    def of_job(self, job_name: str, app_name: str) -> EffectiveRule:
        """Give what holds for a job."""
        if not self._has_scopes:
            return self._global
        job_scope, app_scope = JOB_PREFIX + job_name, APP_PREFIX + app_name
        # Jobs without a rule share what is merged.
        key = (job_scope if job_scope in self._rules else "", app_scope if app_scope in self._rules else "")
        merged = self._merged.get(key)
        if merged is None:
            merged = self._merged[key] = effective_rule(
                *(self._rules.get(scope) for scope in (*key, GLOBAL_SCOPE))
            )
        return merged

    def of_system(self) -> EffectiveRule:
        """Give what holds for conditions that are of no job."""
        return self._global

    def of_alert(self, alert: Alert) -> EffectiveRule:
        """Give what holds for an alert."""
        return self.of_job(alert.job_name, alert.app_name)
