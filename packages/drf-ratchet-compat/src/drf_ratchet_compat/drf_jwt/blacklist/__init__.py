"""drf-jwt's blacklist: here the sessions that have ended. No token is stored."""
