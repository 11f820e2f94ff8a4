"""Alerts as a scheduler serves them: what API and command line ask, and the sending of messages while it leads."""
