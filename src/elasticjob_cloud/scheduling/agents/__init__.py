"""Agents that join, tell, drain and go."""
