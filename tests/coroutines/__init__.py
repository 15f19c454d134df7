"""Tests of coroutines: asynchronous views, adrf and Django Ninja."""
