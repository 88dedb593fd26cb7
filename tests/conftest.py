"""Shared by all tests: Hypothesis without clocks, since these machines are noisy."""

from hypothesis import HealthCheck, settings

settings.register_profile("golem_nb", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("golem_nb")
