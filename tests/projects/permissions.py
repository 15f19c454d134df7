"""A permission of ours, as a setting may name it."""

from drf_ratchet.permissions import RecentSignIn

WithinTheHour = RecentSignIn(minutes=60)
