"""drf-jwt's names: each file run in a process of its own, with settings of its own."""
