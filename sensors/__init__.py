"""Sensors: what in the outside world makes something run. They discover and request; they do no work themselves."""
