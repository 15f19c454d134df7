"""Tests of what stands in for drf-jwt."""
