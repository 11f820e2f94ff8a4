"""The nouns of alerts: conditions, rules, silences, alerts, messages, channels and deliveries (docs/alerts.md).

Standard library only. As in `model`, nothing is re-exported.
"""
