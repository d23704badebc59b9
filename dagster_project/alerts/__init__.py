"""Alerts: what happened or is due, told to people by webhook or mail.

Belongs here: the channels of a home (alerts.toml), their formats, sending with retries, what was sent already, the texts.
Does not belong here: when something is told (orchestration/), what is due (calendar of forms: due.py reads the marts), any
secret in a log or in the repository.
"""
