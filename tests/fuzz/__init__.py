"""The fuzzer: `python -m tests.fuzz`, and a few thousand inputs of it in `make test-all`."""
